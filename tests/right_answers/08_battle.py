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


# %% verdict: a product in the place of ratios
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    if not all(rate > 0 for rate in (d1_test, d2_test, d1_g2, d2_g1)):
        return "tie"
    bound = 1 + tolerance + 1e-9
    fair = d1_test <= bound * d2_test and d2_test <= bound * d1_test
    if not fair or d1_g2 == d2_g1:
        return "tie"
    return "M2" if d1_g2 > d2_g1 else "M1"


# %% verdict: logarithms
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    import math

    if 0 in (d1_test, d2_test, d1_g2, d2_g1):
        return "tie"
    if abs(math.log(d1_test / d2_test)) > math.log(1 + tolerance) + 1e-9:
        return "tie"
    r = d1_g2 / d2_g1
    return "tie" if r == 1 else "M1" if r < 1 else "M2"


# %% verdict: exceptions
def verdict(d1_test, d2_test, d1_g2, d2_g1, tolerance=0.3):
    try:
        tests, samples = d1_test / d2_test, d1_g2 / d2_g1
        1 / tests, 1 / samples
    except ZeroDivisionError:
        return "tie"
    low, high = 1 / (1 + tolerance) - 1e-9, 1 + tolerance + 1e-9
    if low <= tests <= high:
        if samples < 1:
            return "M1"
        if samples > 1:
            return "M2"
    return "tie"


# %% threshold: a loop
def threshold(real_answers, fake_answers):
    real, fake = real_answers.tolist(), fake_answers.tolist()
    best, smallest = None, 2.0
    for c in [min(real + fake) - 1, *real, *fake]:
        missed = sum(r <= c for r in real) / len(real)
        passed = sum(f > c for f in fake) / len(fake)
        if abs(missed - passed) < smallest:
            best, smallest = c, abs(missed - passed)
    return float(best)


# %% threshold: searchsorted on sorted copies
def threshold(real_answers, fake_answers):
    real, fake = real_answers.sort().values, fake_answers.sort().values
    levels = torch.cat([real, fake, torch.minimum(real[:1], fake[:1]) - 1])
    missed = torch.searchsorted(real, levels, right=True) / len(real)
    passed = 1 - torch.searchsorted(fake, levels, right=True) / len(fake)
    return float(levels[torch.argmin((missed - passed).abs())])


# %% threshold: NumPy
def threshold(real_answers, fake_answers):
    import numpy as np

    real, fake = np.array(real_answers.tolist()), np.array(fake_answers.tolist())
    levels = np.concatenate([[-1e300], real, fake])
    gaps = [abs((real <= c).mean() - (fake > c).mean()) for c in levels]
    return float(levels[int(np.argmin(gaps))])
