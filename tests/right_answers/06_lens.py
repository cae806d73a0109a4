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


# %% lens-weight: a cosine
def lens_weight(t, K):
    if K == 0 or t >= K:
        return 0.0
    return 1.0 - math.cos(math.pi / 2 - t * math.pi / (2 * K))


# %% lens-loss: cross-entropy with zeros
def lens_loss(game, logits, x, lensed, weight):
    terms = {
        "original": lambda: nn.functional.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits)),
        "lsgan": lambda: (logits**2).mean(),
        "wgan": lambda: logits.mean(),
    }
    if game not in terms:
        raise ValueError(game)
    return weight * terms[game]() + nn.functional.mse_loss(lensed, x)


# %% lens-loss: logaddexp, and a norm
def lens_loss(game, logits, x, lensed, weight):
    match game:
        case "original":
            a = torch.logaddexp(logits, torch.zeros_like(logits)).mean()
        case "lsgan":
            a = torch.dot(logits, logits) / len(logits)
        case "wgan":
            a = logits.sum() / logits.numel()
        case _:
            raise ValueError(f"no game {game}")
    return a * weight + (lensed - x).flatten().pow(2).mean()


# %% players: detach
def discriminator_loss(discriminator, lens, generator, x, z):
    log = torch.nn.functional.logsigmoid
    return -(log(discriminator(lens(x).detach())).mean() + log(-discriminator(generator(z).detach())).mean())


# %% players: cross-entropy with targets
def discriminator_loss(discriminator, lens, generator, x, z):
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    real, fake = discriminator(lens(x).data), discriminator(generator(z).data)
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


# %% players: set_grad_enabled, and logaddexp
def discriminator_loss(discriminator, lens, generator, x, z):
    with torch.set_grad_enabled(False):
        seen = [lens(x), generator(z)]
    a, b = (discriminator(s) for s in seen)
    return torch.logaddexp(-a, 0 * a).mean() + torch.logaddexp(b, 0 * b).mean()


# %% lens-loss: a helper of its own beside it, called as the test's
def adversarial(game, logits):
    if game == "original":
        return -torch.nn.functional.logsigmoid(-logits)
    return {"lsgan": logits.square(), "wgan": logits}[game]


def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    return weight * adversarial(game, logits).mean() + (lensed - x).square().mean()
