# Right answers to assignment 08 in other forms than the reference's; each must keep its points.


# %% errors: the means in single precision
def error_rates(fake_logits, real_logits):
    return (fake_logits > 0).float().mean().item(), (real_logits <= 0).float().mean().item()


# %% errors: one less the accuracy
def error_rates(fake_logits, real_logits):
    return 1 - (fake_logits <= 0).double().mean().item(), 1 - (real_logits > 0).double().mean().item()


# %% errors: a list of two
def error_rates(fake_logits, real_logits):
    return [(fake_logits > 0).sum().item() / len(fake_logits), (real_logits <= 0).sum().item() / len(real_logits)]


# %% errors: probabilities
def error_rates(fake_logits, real_logits):
    wrong = torch.sigmoid(fake_logits) > 0.5, torch.sigmoid(real_logits) <= 0.5
    return tuple(float(w.double().mean()) for w in wrong)
