# What students hand in for assignment 08. Each cell takes the place of the solution cell that it names.


# %% errors: 1/2 on logits
def error_rates(fake_logits, real_logits):
    return (fake_logits > 0.5).double().mean().item(), (real_logits <= 0.5).double().mean().item()


# %% errors: counts
def error_rates(fake_logits, real_logits):
    return float((fake_logits > 0).sum()), float((real_logits <= 0).sum())


# %% errors: accuracy on reals
def error_rates(fake_logits, real_logits):
    return (fake_logits > 0).double().mean().item(), (real_logits > 0).double().mean().item()


# %% errors: the two exchanged
def error_rates(fake_logits, real_logits):
    return (real_logits <= 0).double().mean().item(), (fake_logits > 0).double().mean().item()


# %% errors: a tie counts as real
def error_rates(fake_logits, real_logits):
    return (fake_logits >= 0).double().mean().item(), (real_logits < 0).double().mean().item()


# %% errors: the mean of the probabilities
def error_rates(fake_logits, real_logits):
    return fake_logits.sigmoid().mean().item(), (1 - real_logits.sigmoid()).mean().item()


# %% verdict: the winners exchanged
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if min(d1_test, d2_test, d1_g2, d2_g1) == 0:
        return "tie"
    r_test = d1_test / d2_test
    if max(r_test, 1 / r_test) > 1 + tolerance + 1e-9 or d1_g2 == d2_g1:
        return "tie"
    return "M2" if d1_g2 < d2_g1 else "M1"


# %% verdict: |r_test - 1| below the tolerance, which is not the same for both sides
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if min(d1_test, d2_test, d1_g2, d2_g1) == 0:
        return "tie"
    if abs(d1_test / d2_test - 1) > tolerance + 1e-9 or d1_g2 == d2_g1:
        return "tie"
    return "M1" if d1_g2 < d2_g1 else "M2"


# %% verdict: no look at r_test
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if min(d1_test, d2_test, d1_g2, d2_g1) == 0 or d1_g2 == d2_g1:
        return "tie"
    return "M1" if d1_g2 < d2_g1 else "M2"


# %% verdict: no guards
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    r_test, r_sample = d1_test / d2_test, d1_g2 / d2_g1
    if max(r_test, 1 / r_test) > 1 + tolerance + 1e-9 or r_sample == 1:
        return "tie"
    return "M1" if r_sample < 1 else "M2"


# %% verdict: guards for denominators alone
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if d2_test == 0 or d2_g1 == 0:
        return "tie"
    r_test, r_sample = d1_test / d2_test, d1_g2 / d2_g1
    if not 1 / (1 + tolerance) - 1e-9 <= r_test <= 1 + tolerance + 1e-9 or r_sample == 1:
        return "tie"
    return "M1" if r_sample < 1 else "M2"


# %% verdict: an undefined ratio counts as infinite
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    r_test = d1_test / d2_test if d2_test else float("inf")
    r_sample = d1_g2 / d2_g1 if d2_g1 else float("inf")
    if not 1 / (1 + tolerance) - 1e-9 <= r_test <= 1 + tolerance + 1e-9 or r_sample == 1:
        return "tie"
    return "M1" if r_sample < 1 else "M2"


# %% verdict: the bounds left out
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if min(d1_test, d2_test, d1_g2, d2_g1) == 0:
        return "tie"
    r_test = d1_test / d2_test
    if max(r_test, 1 / r_test) >= 1 + tolerance - 1e-9 or d1_g2 == d2_g1:
        return "tie"
    return "M1" if d1_g2 < d2_g1 else "M2"


# %% verdict: the tolerance written into the code
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if min(d1_test, d2_test, d1_g2, d2_g1) == 0:
        return "tie"
    r_test = d1_test / d2_test
    if max(r_test, 1 / r_test) > 1.3 + 1e-9 or d1_g2 == d2_g1:
        return "tie"
    return "M1" if d1_g2 < d2_g1 else "M2"


# %% threshold: 0, as for a discriminator with a sigmoid
def threshold(real_answers, fake_answers):
    return 0.0


# %% threshold: half-way between the means
def threshold(real_answers, fake_answers):
    return ((real_answers.mean() + fake_answers.mean()) / 2).item()


# %% threshold: half-way between the medians
def threshold(real_answers, fake_answers):
    return ((real_answers.median() + fake_answers.median()) / 2).item()


# %% threshold: the pooled median, which is right for equal numbers only
def threshold(real_answers, fake_answers):
    return torch.cat([real_answers, fake_answers]).median().item()


# %% threshold: counts instead of shares
def threshold(real_answers, fake_answers):
    levels = torch.cat([real_answers, fake_answers])
    levels = torch.cat([levels.min()[None] - 1, levels])
    missed = (real_answers <= levels[:, None]).sum(dim=1)
    passed = (fake_answers > levels[:, None]).sum(dim=1)
    return levels[(missed - passed).abs().argmin()].item()


# %% threshold: the fewest errors in all, instead of equal ones
def threshold(real_answers, fake_answers):
    levels = torch.cat([real_answers, fake_answers])
    levels = torch.cat([levels.min()[None] - 1, levels])
    missed = (real_answers <= levels[:, None]).double().mean(dim=1)
    passed = (fake_answers > levels[:, None]).double().mean(dim=1)
    return levels[(missed + passed).argmin()].item()


# %% threshold: only the reals are tried
def threshold(real_answers, fake_answers):
    missed = (real_answers <= real_answers[:, None]).double().mean(dim=1)
    passed = (fake_answers > real_answers[:, None]).double().mean(dim=1)
    return real_answers[(missed - passed).abs().argmin()].item()


# %% verdict: a margin on the samples' ratio
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if min(d1_test, d2_test, d1_g2, d2_g1) == 0:
        return "tie"
    r_test = d1_test / d2_test
    if max(r_test, 1 / r_test) > 1 + tolerance + 1e-9 or max(d1_g2 / d2_g1, d2_g1 / d1_g2) < 1.1:
        return "tie"
    return "M1" if d1_g2 < d2_g1 else "M2"


# %% verdict: rates above one half are no rates
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if min(d1_test, d2_test, d1_g2, d2_g1) == 0 or max(d1_test, d2_test, d1_g2, d2_g1) > 0.5:
        return "tie"
    r_test = d1_test / d2_test
    if max(r_test, 1 / r_test) > 1 + tolerance + 1e-9 or d1_g2 == d2_g1:
        return "tie"
    return "M1" if d1_g2 < d2_g1 else "M2"


# %% threshold: sorted in their place
def threshold(real_answers, fake_answers):
    real_answers.numpy().sort()
    fake_answers.numpy().sort()
    levels = torch.cat([real_answers, fake_answers])
    levels = torch.cat([levels.min()[None] - 1, levels])
    missed = (real_answers <= levels[:, None]).double().mean(dim=1)
    passed = (fake_answers > levels[:, None]).double().mean(dim=1)
    return levels[(missed - passed).abs().argmin()].item()
