# What students hand in for assignment 01. Each cell takes the place of the solution cell that it names.


# %% generator-loss: a logit taken for a probability
def generator_loss(logits):
    return -logits.log()


# %% generator-loss: log(sigmoid), which is infinite for a discriminator that is sure
def generator_loss(logits):
    return -torch.sigmoid(logits).log()


# %% generator-loss: a small number inside the logarithm, and no gradient where it is needed most
def generator_loss(logits):
    return -(torch.sigmoid(logits) + 1e-8).log()


# %% generator-loss: the sign
def generator_loss(logits):
    return torch.nn.functional.logsigmoid(logits)


# %% generator-loss: the saturating loss
def generator_loss(logits):
    return torch.nn.functional.logsigmoid(-logits)


# %% generator-loss: the mean over the batch
def generator_loss(logits):
    return torch.nn.functional.softplus(-logits).mean()


# %% discriminator-loss: probabilities instead of logits
def discriminator_loss(real_logits, fake_logits):
    return -real_logits.log().mean() - (1 - fake_logits).log().mean()


# %% discriminator-loss: one mean over both sides
def discriminator_loss(real_logits, fake_logits):
    softplus = torch.nn.functional.softplus
    return 2 * torch.cat([softplus(-real_logits), softplus(fake_logits)]).mean()


# %% discriminator-loss: sums
def discriminator_loss(real_logits, fake_logits):
    softplus = torch.nn.functional.softplus
    return softplus(-real_logits).sum() + softplus(fake_logits).sum()


# %% discriminator-loss: the sign of what it maximises
def discriminator_loss(real_logits, fake_logits):
    logsigmoid = torch.nn.functional.logsigmoid
    return logsigmoid(real_logits).mean() + logsigmoid(-fake_logits).mean()


# %% discriminator-loss: fakes counted as real
def discriminator_loss(real_logits, fake_logits):
    softplus = torch.nn.functional.softplus
    return softplus(-real_logits).mean() + softplus(-fake_logits).mean()


# %% discriminator-loss: log(1 - sigmoid), which is infinite where it is sure
def discriminator_loss(real_logits, fake_logits):
    return -torch.sigmoid(real_logits).log().mean() - (1 - torch.sigmoid(fake_logits)).log().mean()


# %% optimal-value: 0 log 0
def optimal_value(p_data, p_g, step):
    D = p_data / (p_data + p_g)
    return (p_data * D.log() + p_g * (1 - D).log()).sum().item() * step


# %% optimal-value: the step is missing
def optimal_value(p_data, p_g, step):
    total = torch.where(p_data + p_g > 0, p_data + p_g, 1.0)
    return (torch.xlogy(p_data, p_data / total) + torch.xlogy(p_g, p_g / total)).sum().item()


# %% optimal-value: D* upside down
def optimal_value(p_data, p_g, step):
    total = torch.where(p_data + p_g > 0, p_data + p_g, 1.0)
    return (torch.xlogy(p_data, p_g / total) + torch.xlogy(p_g, p_data / total)).sum().item() * step


# %% optimal-value: a mean instead of an integral
def optimal_value(p_data, p_g, step):
    total = torch.where(p_data + p_g > 0, p_data + p_g, 1.0)
    return (torch.xlogy(p_data, p_data / total) + torch.xlogy(p_g, p_g / total)).mean().item()


# %% optimal-value: twice the first term, which is right for mirrored densities only
def optimal_value(p_data, p_g, step):
    total = torch.where(p_data + p_g > 0, p_data + p_g, 1.0)
    return 2 * torch.xlogy(p_data, p_data / total).sum().item() * step


# %% discriminator-loss: the fakes' logits are detached
def discriminator_loss(real_logits, fake_logits):
    softplus = torch.nn.functional.softplus
    return softplus(-real_logits).mean() + softplus(fake_logits.detach()).mean()


# %% discriminator-loss: without a graph
@torch.no_grad()
def discriminator_loss(real_logits, fake_logits):
    softplus = torch.nn.functional.softplus
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


# %% optimal-value: the trapezoid rule
def optimal_value(p_data, p_g, step):
    total = p_data + p_g
    safe = torch.where(total > 0, total, 1.0)
    terms = torch.xlogy(p_data, p_data / safe) + torch.xlogy(p_g, p_g / safe)
    return torch.trapezoid(terms, dx=step).item()


# %% optimal-value: the last place is left out
def optimal_value(p_data, p_g, step):
    total = p_data + p_g
    safe = torch.where(total > 0, total, 1.0)
    terms = torch.xlogy(p_data, p_data / safe) + torch.xlogy(p_g, p_g / safe)
    return terms[:-1].sum().item() * step


# %% optimal-value: zeros in the arguments replaced
def optimal_value(p_data, p_g, step):
    p_data[p_data == 0] = 1e-300
    p_g[p_g == 0] = 1e-300
    total = p_data + p_g
    return (p_data * (p_data / total).log() + p_g * (p_g / total).log()).sum().item() * step
