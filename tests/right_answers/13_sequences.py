# Right answers to assignment 13 in other forms than the reference's; each must keep its points.


# %% likelihood: cross-entropy
def log_likelihood(logits, tokens):
    n, t, v = logits.shape
    cost = nn.functional.cross_entropy(logits.reshape(-1, v), tokens.reshape(-1), reduction="none")
    return -cost.reshape(n, t).sum(1)


# %% likelihood: a loop over places
def log_likelihood(logits, tokens):
    total = torch.zeros(len(logits))
    for t in range(tokens.shape[1]):
        place = logits[:, t]
        total = total + place[torch.arange(len(place)), tokens[:, t]] - torch.logsumexp(place, dim=1)
    return total


# %% likelihood: torch.distributions
def log_likelihood(logits, tokens):
    return torch.distributions.Categorical(logits=logits).log_prob(tokens).sum(-1)


# %% policy: einsum
def policy_loss(logp, rewards):
    r = rewards.detach()
    return -torch.einsum("nt,nt->", r - r.mean(dim=0, keepdim=True), logp) / len(logp)


# %% policy: under no_grad, two terms
def policy_loss(logp, rewards):
    with torch.no_grad():
        baseline = rewards.mean(0).expand_as(rewards)
        fixed = rewards.clone()
    return (baseline * logp).sum(-1).mean() - (fixed * logp).sum(-1).mean()


# %% policy: a loop
def policy_loss(logp, rewards):
    n, length = logp.shape
    loss = 0.0
    for t in range(length):
        column = rewards[:, t].detach()
        loss = loss - ((column - column.sum() / n) * logp[:, t]).sum() / n
    return loss


# %% weights: through logsumexp
def weights(logits, b):
    a = logits.detach()
    return (a - torch.logsumexp(a, dim=0)).exp() - b


# %% weights: the largest logit taken off first
def weights(logits, b):
    with torch.no_grad():
        r = torch.exp(logits - logits.max())
        return r / r.sum() - b


# %% weights: softmax of a copy
def weights(logits, b):
    return torch.nn.functional.softmax(logits.detach().clone(), dim=-1).sub(b)
