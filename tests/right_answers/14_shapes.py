# Right answers to assignment 14 in other forms than the reference's; each must keep its points.


# %% overlap: with logical functions
def overlap(a, b):
    a, b = a.gt(0), b.gt(0)
    both = torch.logical_and(a, b).sum(dim=(1, 2, 3, 4)).double()
    either = torch.logical_or(a, b).sum(dim=(1, 2, 3, 4)).double()
    return torch.where(either == 0, torch.ones_like(both), both / either)


# %% overlap: products of zeros and ones
def overlap(a, b):
    p, q = (a > 0).double().reshape(len(a), -1), (b > 0).double().reshape(len(b), -1)
    both = torch.einsum("nd,nd->n", p, q)
    either = p.sum(1) + q.sum(1) - both
    return torch.nan_to_num(both / either, nan=1.0)


# %% overlap: a loop
def overlap(a, b):
    shares = []
    for x, y in zip(a > 0, b > 0):
        union = int((x | y).sum())
        shares.append(int((x & y).sum()) / union if union else 1.0)
    return torch.tensor(shares)


# %% silhouette: a product of what passes, turned by hand
def silhouette(v, turns=0):
    for _ in range(turns % 4):
        v = v.transpose(2, 3).flip(2)
    return -torch.expm1(-v.sum(dim=2))


# %% silhouette: einsum
def silhouette(v, turns=0):
    return -torch.special.expm1(-torch.einsum("ncxyz->ncyz", torch.rot90(v, turns, [2, 3])))


# %% silhouette: the formula to the letter
def silhouette(v, turns=0):
    return 1 - torch.exp(-torch.rot90(v, turns, (2, 3)).sum(2))


# %% many: a running sum
def generator_loss(discriminators, projections, fake):
    total = 0.0
    for k in range(len(discriminators)):
        total = total - nn.functional.logsigmoid(discriminators[k](projections[k](fake))).mean()
    return total / len(discriminators)


# %% many: all logits in one tensor
def generator_loss(discriminators, projections, fake):
    logits = torch.stack([D(P(fake)) for D, P in zip(discriminators, projections)])
    return nn.functional.softplus(-logits).mean()


# %% many: cross-entropy with ones
def generator_loss(discriminators, projections, fake):
    losses = []
    for D, P in zip(discriminators, projections):
        logits = D(P(fake))
        losses.append(nn.functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)))
    return sum(losses) / len(losses)
