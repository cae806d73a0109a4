# Right answers to assignment 01 in other forms than the reference's; each must keep its points.


# %% generator-loss: the textbook's stable form, whose slope at exactly 0 is a convention
def generator_loss(logits):
    return torch.relu(-logits) + torch.log1p(torch.exp(-logits.abs()))


# %% generator-loss: with clamp
def generator_loss(logits):
    return (-logits).clamp(min=0) + (-logits.abs()).exp().log1p()


# %% generator-loss: logsigmoid
def generator_loss(logits):
    return -torch.nn.functional.logsigmoid(logits)


# %% discriminator-loss: cross-entropy with targets
def discriminator_loss(real_logits, fake_logits):
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    return loss(real_logits, torch.ones_like(real_logits)) + loss(fake_logits, torch.zeros_like(fake_logits))


# %% discriminator-loss: in a sum over means of logsigmoid
def discriminator_loss(real_logits, fake_logits):
    log = torch.nn.functional.logsigmoid
    return -(log(real_logits).mean() + log(-fake_logits).mean())


# %% discriminator-loss: logaddexp
def discriminator_loss(real_logits, fake_logits):
    zero = torch.zeros(())
    return torch.logaddexp(zero, -real_logits).mean() + torch.logaddexp(zero, fake_logits).mean()


# %% optimal-value: the formula to the letter
def optimal_value(p_data, p_g, step):
    total = p_data + p_g
    D = torch.where(total > 0, p_data / total, 0.5)
    return (torch.xlogy(p_data, D) + torch.xlogy(p_g, 1 - D)).sum().item() * step


# %% optimal-value: a loop
def optimal_value(p_data, p_g, step):
    value = 0.0
    for p, q in zip(p_data.tolist(), p_g.tolist()):
        value += p * math.log(p / (p + q)) if p > 0 else 0
        value += q * math.log(q / (p + q)) if q > 0 else 0
    return value * step


# %% optimal-value: NumPy
def optimal_value(p_data, p_g, step):
    import numpy as np

    p, q = p_data.numpy(), p_g.numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(p * np.log(p / (p + q)), nan=0.0), np.nan_to_num(q * np.log(q / (p + q)), nan=0.0)
    return float((terms[0] + terms[1]).sum() * step)
