# Right answers to assignment 10 in other forms than the reference's; each must keep its points.


# %% planes: zeros, filled in a loop
def with_label(x, y, classes):
    n, c, h, w = x.shape
    planes = torch.zeros(n, classes, h, w, dtype=x.dtype)
    for i, label in enumerate(y.tolist()):
        planes[i, label] = 1
    return torch.cat((x, planes), 1)


# %% planes: comparing with arange
def with_label(x, y, classes):
    is_class = torch.arange(classes) == y[:, None]
    return torch.cat([x, is_class.type_as(x)[..., None, None].repeat(1, 1, x.shape[2], x.shape[3])], dim=1)


# %% planes: rows of an identity, by einsum
def with_label(x, y, classes):
    hot = torch.eye(classes, dtype=x.dtype)[y]
    ones = torch.ones(x.shape[2:], dtype=x.dtype)
    return torch.cat([x, torch.einsum("nk,hw->nkhw", hot, ones)], dim=1)


# %% losses: cross-entropy with targets
def losses(D, G, x, y, z):
    bce = nn.functional.binary_cross_entropy_with_logits
    fake = G(z, y)
    real_logits, fake_logits, g_logits = D(x, y), D(fake.detach(), y), D(fake, y)
    one, zero = torch.ones_like(real_logits), torch.zeros_like(real_logits)
    return bce(real_logits, one) + bce(fake_logits, zero), bce(g_logits, one)


# %% losses: logsigmoid
def losses(D, G, x, y, z):
    log = nn.functional.logsigmoid
    samples = G(z, y)
    d = -(log(D(x, y)).mean() + log(-D(samples.detach(), y)).mean())
    g = -log(D(samples, y)).mean()
    return [d, g]


# %% losses: logaddexp, sums over the count
def losses(D, G, x, y, z):
    def cost(a):
        return torch.logaddexp(torch.zeros_like(a), a).sum() / len(a)

    fake = G(z, y)
    return cost(-D(x, y)) + cost(D(fake.data, y)), cost(-D(fake, y))


# %% obeyed: counts, 0 over 0 is NaN
def obeyed(logits, asked):
    k = logits.shape[1]
    hits = torch.bincount(asked[logits.argmax(dim=1) == asked], minlength=k)
    return hits / torch.bincount(asked, minlength=k)


# %% obeyed: one-hot matrices
def obeyed(logits, asked):
    k = logits.shape[1]
    told = nn.functional.one_hot(asked, k).double()
    seen = nn.functional.one_hot(logits.argmax(1), k).double()
    return (told * seen).sum(0) / told.sum(0)


# %% obeyed: a loop
def obeyed(logits, asked):
    shares = []
    for k in range(logits.shape[1]):
        mine = [int(row.argmax()) == k for row, a in zip(logits, asked) if int(a) == k]
        shares.append(sum(mine) / len(mine) if mine else float("nan"))
    return torch.tensor(shares)
