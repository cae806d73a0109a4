# What students hand in for assignment 13. Each cell takes the place of the solution cell that it names.


# %% likelihood: a mean over the places
def log_likelihood(logits, tokens):
    return logits.log_softmax(-1).gather(2, tokens[..., None]).squeeze(2).mean(1)


# %% likelihood: softmax over the places
def log_likelihood(logits, tokens):
    return logits.log_softmax(1).gather(2, tokens[..., None]).squeeze(2).sum(1)


# %% likelihood: logits in the place of log-probabilities
def log_likelihood(logits, tokens):
    return logits.gather(2, tokens[..., None]).squeeze(2).sum(1)


# %% likelihood: softmax, then a logarithm
def log_likelihood(logits, tokens):
    return logits.softmax(-1).log().gather(2, tokens[..., None]).squeeze(2).sum(1)


# %% likelihood: of the likeliest words
def log_likelihood(logits, tokens):
    return logits.log_softmax(-1).max(-1).values.sum(1)


# %% likelihood: negative
def log_likelihood(logits, tokens):
    return -logits.log_softmax(-1).gather(2, tokens[..., None]).squeeze(2).sum(1)


# %% likelihood: one number
def log_likelihood(logits, tokens):
    return logits.log_softmax(-1).gather(2, tokens[..., None]).sum()


# %% policy: ascends
def policy_loss(logp, rewards):
    r = rewards.detach()
    return ((r - r.mean(0)) * logp).sum(1).mean()


# %% policy: one baseline for all places
def policy_loss(logp, rewards):
    r = rewards.detach()
    return -((r - r.mean()) * logp).sum(1).mean()


# %% policy: a mean over the places too
def policy_loss(logp, rewards):
    r = rewards.detach()
    return -((r - r.mean(0)) * logp).mean()


# %% policy: gradients follow the rewards
def policy_loss(logp, rewards):
    return -((rewards - rewards.mean(0)) * logp).sum(1).mean()


# %% policy: no baseline
def policy_loss(logp, rewards):
    return -(rewards.detach() * logp).sum(1).mean()


# %% policy: the baseline of each sequence
def policy_loss(logp, rewards):
    r = rewards.detach()
    return -((r - r.mean(1, keepdim=True)) * logp).sum(1).mean()


# %% policy: logp detached too
def policy_loss(logp, rewards):
    r = rewards.detach()
    return -((r - r.mean(0)) * logp.detach()).sum(1).mean().requires_grad_()


# %% policy: probabilities in the place of their logarithms
def policy_loss(logp, rewards):
    r = rewards.detach()
    return -((r - r.mean(0)) * logp.exp()).sum(1).mean()


# %% weights: D, normalised
def weights(logits, b):
    D = torch.sigmoid(logits.detach())
    return D / D.sum() - b


# %% weights: the ratio to the letter, infinite at 800
def weights(logits, b):
    D = torch.sigmoid(logits.detach())
    r = D / (1 - D)
    return r / r.sum() - b


# %% weights: not normalised
def weights(logits, b):
    return logits.detach().exp() - b


# %% weights: the baseline before the normalisation
def weights(logits, b):
    r = (logits.detach() - logits.detach().max()).exp() - b
    return r / r.sum()


# %% weights: with a graph
def weights(logits, b):
    return logits.softmax(0) - b


# %% weights: clamped logits
def weights(logits, b):
    return logits.detach().clamp(-20, 20).softmax(0) - b
