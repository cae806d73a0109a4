# What students hand in for assignment 14. Each cell takes the place of the solution cell that it names.


# %% overlap: over the whole batch
def overlap(a, b):
    a, b = a > 0, b > 0
    return (a & b).sum() / (a | b).sum()


# %% overlap: weighed by the values
def overlap(a, b):
    both = torch.minimum(a.clamp(min=0), b.clamp(min=0)).flatten(1).sum(1)
    either = torch.maximum(a.clamp(min=0), b.clamp(min=0)).flatten(1).sum(1)
    return torch.where(either > 0, both / either, 1.0)


# %% overlap: NaN for two empty shapes
def overlap(a, b):
    a, b = (a > 0).flatten(1), (b > 0).flatten(1)
    return (a & b).sum(1) / (a | b).sum(1)


# %% overlap: Dice's measure
def overlap(a, b):
    a, b = (a > 0).flatten(1), (b > 0).flatten(1)
    total = a.sum(1) + b.sum(1)
    return torch.where(total > 0, 2 * (a & b).sum(1) / total.clamp(min=1), 1.0)


# %% overlap: filled at 0
def overlap(a, b):
    a, b = (a >= 0).flatten(1), (b >= 0).flatten(1)
    both, either = (a & b).sum(1), (a | b).sum(1)
    return torch.where(either > 0, both / either.clamp(min=1), 1.0)


# %% overlap: two empty shapes share nothing
def overlap(a, b):
    a, b = (a > 0).flatten(1), (b > 0).flatten(1)
    return (a & b).sum(1) / (a | b).sum(1).clamp(min=1)


# %% overlap: the share of a that is in b
def overlap(a, b):
    a, b = (a > 0).flatten(1), (b > 0).flatten(1)
    return torch.where(a.any(1), (a & b).sum(1) / a.sum(1).clamp(min=1), 1.0)


# %% silhouette: rays along y
def silhouette(v, turns=0):
    return 1 - torch.exp(-v.rot90(turns, (2, 3)).sum(3))


# %% silhouette: rays along z
def silhouette(v, turns=0):
    return 1 - torch.exp(-v.rot90(turns, (2, 3)).sum(4))


# %% silhouette: turned the other way
def silhouette(v, turns=0):
    return 1 - torch.exp(-v.rot90(turns, (3, 2)).sum(2))


# %% silhouette: turned about x
def silhouette(v, turns=0):
    return 1 - torch.exp(-v.rot90(turns, (3, 4)).sum(2))


# %% silhouette: the largest density on the ray
def silhouette(v, turns=0):
    return 1 - torch.exp(-v.rot90(turns, (2, 3)).amax(2))


# %% silhouette: a mean along the ray
def silhouette(v, turns=0):
    return 1 - torch.exp(-v.rot90(turns, (2, 3)).mean(2))


# %% silhouette: a hard outline
def silhouette(v, turns=0):
    return (v.rot90(turns, (2, 3)).sum(2) > 0.5).to(v.dtype)


# %% silhouette: what passes, not what is dark
def silhouette(v, turns=0):
    return torch.exp(-v.rot90(turns, (2, 3)).sum(2))


# %% many: a sum over the discriminators
def generator_loss(discriminators, projections, fake):
    return sum(nn.functional.softplus(-D(P(fake))).mean() for D, P in zip(discriminators, projections))


# %% many: all see the first projection
def generator_loss(discriminators, projections, fake):
    terms = [nn.functional.softplus(-D(projections[0](fake))).mean() for D in discriminators]
    return torch.stack(terms).mean()


# %% many: the saturating loss
def generator_loss(discriminators, projections, fake):
    terms = [-nn.functional.softplus(D(P(fake))).mean() for D, P in zip(discriminators, projections)]
    return torch.stack(terms).mean()


# %% many: the logits' mean first
def generator_loss(discriminators, projections, fake):
    logits = torch.stack([D(P(fake)) for D, P in zip(discriminators, projections)])
    return nn.functional.softplus(-logits.mean(0)).mean()


# %% many: detached
def generator_loss(discriminators, projections, fake):
    terms = [nn.functional.softplus(-D(P(fake.detach()))).mean() for D, P in zip(discriminators, projections)]
    return torch.stack(terms).mean()


# %% many: a sigmoid and a logarithm
def generator_loss(discriminators, projections, fake):
    terms = [-torch.sigmoid(D(P(fake))).log().mean() for D, P in zip(discriminators, projections)]
    return torch.stack(terms).mean()
