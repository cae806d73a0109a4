# Right answers to assignment 06 in other forms than the reference's; each must keep its points.


# %% lens-weight: a whole 0 after K
def lens_weight(t, K):
    if K == 0 or t > K:
        return 0
    return 1 - math.sin(t * math.pi / (2 * K))


# %% lens-weight: torch's sine
def lens_weight(t, K):
    if t > K or not K:
        return 0.0
    return float(1 - torch.sin(torch.tensor(t / K * math.pi / 2)))


# %% lens-loss: sample by sample
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    log = torch.nn.functional.logsigmoid
    adversarial = {"original": -log(-logits), "lsgan": logits**2, "wgan": logits}[game]
    return (weight * adversarial + (x - lensed).pow(2).flatten(1).mean(1)).mean()
