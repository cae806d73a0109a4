# What students hand in for assignment 06. Each cell takes the place of the solution cell that it names.


# %% lens-weight: no end, so that the sine brings the lens back
def lens_weight(t, K):
    return 1 - math.sin(t * math.pi / (2 * K)) if K else 0.0


# %% lens-weight: a straight line
def lens_weight(t, K):
    return max(0.0, 1 - t / K) if K else 0.0


# %% lens-weight: degrees
def lens_weight(t, K):
    return 1 - math.sin(t * 90 / K) if 0 < K and t <= K else 0.0


# %% lens-weight: half a period in K steps
def lens_weight(t, K):
    return 1 - math.sin(t * math.pi / K) if 0 < K and t <= K else 0.0


# %% lens-weight: a cosine
def lens_weight(t, K):
    return math.cos(t * math.pi / (2 * K)) if 0 < K and t <= K else 0.0


# %% lens-weight: the sine alone, which grows
def lens_weight(t, K):
    return math.sin(t * math.pi / (2 * K)) if 0 < K and t <= K else 0.0


# %% lens-weight: divides by K = 0
def lens_weight(t, K):
    return 1 - math.sin(t * math.pi / (2 * K)) if t <= K else 0.0


# %% lens-weight: clamped, and off by one at K, where a step is left over
def lens_weight(t, K):
    return 1 - math.sin(t * math.pi / (2 * (K + 1))) if 0 < K and t <= K else 0.0


# %% lens-loss: the lens against the generator (-log D)
def lens_loss(game, logits, x, lensed, weight):
    if game == "original":
        adversarial = torch.nn.functional.softplus(-logits)
    elif game == "lsgan":
        adversarial = (logits - 1).square()
    elif game == "wgan":
        adversarial = -logits
    else:
        raise ValueError(game)
    return weight * adversarial.mean() + (x - lensed).square().mean()


# %% lens-loss: the critic's value with a minus sign
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    adversarial = {"original": torch.nn.functional.softplus(logits), "lsgan": logits.square(), "wgan": -logits}
    return weight * adversarial[game].mean() + (x - lensed).square().mean()


# %% lens-loss: the reconstruction summed
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    adversarial = {"original": torch.nn.functional.softplus(logits), "lsgan": logits.square(), "wgan": logits}
    return weight * adversarial[game].mean() + (x - lensed).square().sum()


# %% lens-loss: the reconstruction summed over the pixels of a picture
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    adversarial = {"original": torch.nn.functional.softplus(logits), "lsgan": logits.square(), "wgan": logits}
    return weight * adversarial[game].mean() + (x - lensed).square().flatten(1).sum(1).mean()


# %% lens-loss: lambda on the reconstruction as well
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    adversarial = {"original": torch.nn.functional.softplus(logits), "lsgan": logits.square(), "wgan": logits}
    return weight * (adversarial[game].mean() + (x - lensed).square().mean())


# %% lens-loss: absolute differences
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    adversarial = {"original": torch.nn.functional.softplus(logits), "lsgan": logits.square(), "wgan": logits}
    return weight * adversarial[game].mean() + (x - lensed).abs().mean()


# %% lens-loss: probabilities instead of logits
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    adversarial = {"original": -(1 - logits).log(), "lsgan": logits.square(), "wgan": logits}
    return weight * adversarial[game].mean() + (x - lensed).square().mean()


# %% lens-loss: log(1 - sigmoid), infinite where the discriminator is sure
def lens_loss(game, logits, x, lensed, weight):
    if game not in ("original", "lsgan", "wgan"):
        raise ValueError(game)
    adversarial = {"original": -(1 - logits.sigmoid()).log(), "lsgan": logits.square(), "wgan": logits}
    return weight * adversarial[game].mean() + (x - lensed).square().mean()


# %% players: the lens learns too
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    return softplus(-discriminator(lens(x))).mean() + softplus(discriminator(generator(z).detach())).mean()


# %% players: the generator learns too
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    return softplus(-discriminator(lens(x).detach())).mean() + softplus(discriminator(generator(z))).mean()


# %% players: the discriminator's answer detached
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    return softplus(-discriminator(lens(x)).detach()).mean() + softplus(discriminator(generator(z)).detach()).mean()


# %% players: the reals without their lens
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    return softplus(-discriminator(x)).mean() + softplus(discriminator(generator(z).detach())).mean()


# %% players: fakes and reals exchanged
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    return softplus(discriminator(lens(x).detach())).mean() + softplus(-discriminator(generator(z).detach())).mean()


# %% players: requires_grad switched off for good
def discriminator_loss(discriminator, lens, generator, x, z):
    lens.requires_grad_(False)
    generator.requires_grad_(False)
    softplus = torch.nn.functional.softplus
    return softplus(-discriminator(lens(x))).mean() + softplus(discriminator(generator(z))).mean()


# %% players: log(1 - sigmoid), infinite where the discriminator is sure
def discriminator_loss(discriminator, lens, generator, x, z):
    real, fake = discriminator(lens(x).detach()).sigmoid(), discriminator(generator(z).detach()).sigmoid()
    return -real.log().mean() - (1 - fake).log().mean()


# %% players: the fakes go through the lens too
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    lensed, fake = lens(x).detach(), lens(generator(z)).detach()
    return softplus(-discriminator(lensed)).mean() + softplus(discriminator(fake)).mean()


# %% lens-loss: detached logits
def lens_loss(game, logits, x, lensed, weight):
    logits = logits.detach()
    terms = {"original": torch.nn.functional.softplus(logits), "lsgan": logits.square(), "wgan": logits}
    if game not in terms:
        raise ValueError(game)
    return weight * terms[game].mean() + (x - lensed).square().mean()


# %% lens-loss: detached pictures
def lens_loss(game, logits, x, lensed, weight):
    terms = {"original": torch.nn.functional.softplus(logits), "lsgan": logits.square(), "wgan": logits}
    if game not in terms:
        raise ValueError(game)
    return weight * terms[game].mean() + (x - lensed.detach()).square().mean()


# %% players: requires_grad off and on again
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    for module in (lens, generator):
        module.requires_grad_(False)
    loss = softplus(-discriminator(lens(x))).mean() + softplus(discriminator(generator(z))).mean()
    for module in (lens, generator):
        module.requires_grad_(True)
    return loss


# %% players: the others are left in eval mode
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    lens.eval(), generator.eval()
    with torch.no_grad():
        lensed, fake = lens(x), generator(z)
    return softplus(-discriminator(lensed)).mean() + softplus(discriminator(fake)).mean()


# %% players: the others' gradients are wiped
def discriminator_loss(discriminator, lens, generator, x, z):
    softplus = torch.nn.functional.softplus
    lens.zero_grad(), generator.zero_grad()
    with torch.no_grad():
        lensed, fake = lens(x), generator(z)
    return softplus(-discriminator(lensed)).mean() + softplus(discriminator(fake)).mean()
