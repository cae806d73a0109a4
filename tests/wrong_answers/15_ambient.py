# What students hand in for assignment 15. Each cell takes the place of the solution cell that it names.


# %% window: one window for the whole batch
def keep_patch(x, side):
    _, _, h, w = x.shape
    top, left = int(torch.randint(h - side + 1, ())), int(torch.randint(w - side + 1, ()))
    y = torch.full_like(x, -1.0)
    y[:, :, top : top + side, left : left + side] = x[:, :, top : top + side, left : left + side]
    return y


# %% window: the last place is never taken
def keep_patch(x, side):
    n, _, h, w = x.shape
    top, left = torch.randint(h - side, (n, 1, 1, 1)), torch.randint(w - side, (n, 1, 1, 1))
    row, column = torch.arange(h).view(-1, 1), torch.arange(w)
    return torch.where((row >= top) & (row < top + side) & (column >= left) & (column < left + side), x, -1.0)


# %% window: windows that hang over the edge
def keep_patch(x, side):
    n, _, h, w = x.shape
    top, left = torch.randint(h, (n, 1, 1, 1)), torch.randint(w, (n, 1, 1, 1))
    row, column = torch.arange(h).view(-1, 1), torch.arange(w)
    return torch.where((row >= top) & (row < top + side) & (column >= left) & (column < left + side), x, -1.0)


# %% window: 0 where nothing is seen
def keep_patch(x, side):
    n, _, h, w = x.shape
    top, left = torch.randint(h - side + 1, (n, 1, 1, 1)), torch.randint(w - side + 1, (n, 1, 1, 1))
    row, column = torch.arange(h).view(-1, 1), torch.arange(w)
    return x * ((row >= top) & (row < top + side) & (column >= left) & (column < left + side))


# %% window: the window is what is not seen
def keep_patch(x, side):
    n, _, h, w = x.shape
    top, left = torch.randint(h - side + 1, (n, 1, 1, 1)), torch.randint(w - side + 1, (n, 1, 1, 1))
    row, column = torch.arange(h).view(-1, 1), torch.arange(w)
    return torch.where((row >= top) & (row < top + side) & (column >= left) & (column < left + side), -1.0, x)


# %% window: a seed inside
def keep_patch(x, side):
    torch.manual_seed(0)
    n, _, h, w = x.shape
    top, left = torch.randint(h - side + 1, (n, 1, 1, 1)), torch.randint(w - side + 1, (n, 1, 1, 1))
    row, column = torch.arange(h).view(-1, 1), torch.arange(w)
    return torch.where((row >= top) & (row < top + side) & (column >= left) & (column < left + side), x, -1.0)


# %% window: the argument is painted black
def keep_patch(x, side):
    n, _, h, w = x.shape
    top, left = torch.randint(h - side + 1, (n, 1, 1, 1)), torch.randint(w - side + 1, (n, 1, 1, 1))
    row, column = torch.arange(h).view(-1, 1), torch.arange(w)
    inside = (row >= top) & (row < top + side) & (column >= left) & (column < left + side)
    x.data[~inside.expand_as(x)] = -1.0
    return x


# %% window: on a diagonal
def keep_patch(x, side):
    n, _, h, w = x.shape
    top = torch.randint(min(h, w) - side + 1, (n, 1, 1, 1))
    row, column = torch.arange(h).view(-1, 1), torch.arange(w)
    return torch.where((row >= top) & (row < top + side) & (column >= top) & (column < top + side), x, -1.0)


# %% ambient: fakes are not measured
def ambient_losses(D, G, measure, measured, z):
    softplus = nn.functional.softplus
    fake = G(z)
    return softplus(-D(measured)).mean() + softplus(D(fake.detach())).mean(), softplus(-D(fake)).mean()


# %% ambient: reals are measured again
def ambient_losses(D, G, measure, measured, z):
    softplus = nn.functional.softplus
    fake = measure(G(z))
    return softplus(-D(measure(measured))).mean() + softplus(D(fake.detach())).mean(), softplus(-D(fake)).mean()


# %% ambient: measured anew for each loss
def ambient_losses(D, G, measure, measured, z):
    softplus = nn.functional.softplus
    fake = G(z)
    d_loss = softplus(-D(measured)).mean() + softplus(D(measure(fake.detach()))).mean()
    return d_loss, softplus(-D(measure(fake))).mean()


# %% ambient: detached before measuring, for both
def ambient_losses(D, G, measure, measured, z):
    softplus = nn.functional.softplus
    fake = measure(G(z).detach())
    return softplus(-D(measured)).mean() + softplus(D(fake)).mean(), softplus(-D(fake)).mean()


# %% ambient: no detach
def ambient_losses(D, G, measure, measured, z):
    softplus = nn.functional.softplus
    fake = measure(G(z))
    return softplus(-D(measured)).mean() + softplus(D(fake)).mean(), softplus(-D(fake)).mean()


# %% ambient: the generator is judged unmeasured
def ambient_losses(D, G, measure, measured, z):
    softplus = nn.functional.softplus
    whole = G(z)
    fake = measure(whole)
    return softplus(-D(measured)).mean() + softplus(D(fake.detach())).mean(), softplus(-D(whole)).mean()


# %% ambient: the saturating loss
def ambient_losses(D, G, measure, measured, z):
    softplus = nn.functional.softplus
    fake = measure(G(z))
    return softplus(-D(measured)).mean() + softplus(D(fake.detach())).mean(), -softplus(D(fake)).mean()


# %% ambient: a sigmoid and a logarithm
def ambient_losses(D, G, measure, measured, z):
    fake = measure(G(z))
    real, judged = torch.sigmoid(D(measured)), torch.sigmoid(D(fake.detach()))
    return -real.log().mean() - (1 - judged).log().mean(), -torch.sigmoid(D(fake)).log().mean()


# %% whole: blocked once more
def whole(seen, p):
    if p == 1:
        raise ValueError("p is 1")
    one = torch.tensor([[1.0, p], [0.0, 1.0 - p]])
    T = torch.ones(1, 1)
    while len(T) < len(seen):
        T = torch.kron(T, one)
    return T @ seen


# %% whole: the transpose
def whole(seen, p):
    if p == 1:
        raise ValueError("p is 1")
    one = torch.tensor([[1.0, 0.0], [p, 1.0 - p]])
    T = torch.ones(1, 1)
    while len(T) < len(seen):
        T = torch.kron(T, one)
    return torch.linalg.solve(T, seen)


# %% whole: p is the share that is seen
def whole(seen, p):
    if p == 1:
        raise ValueError("p is 1")
    one = torch.tensor([[1.0, 1.0 - p], [0.0, p]])
    T = torch.ones(1, 1)
    while len(T) < len(seen):
        T = torch.kron(T, one)
    return torch.linalg.solve(T, seen)


# %% whole: two pixels only
def whole(seen, p):
    if p == 1:
        raise ValueError("p is 1")
    one = torch.tensor([[1.0, p], [0.0, 1.0 - p]])
    return torch.linalg.solve(torch.kron(one, one), seen)


# %% whole: no ValueError
def whole(seen, p):
    one = torch.tensor([[1.0, p], [0.0, 1.0 - p]])
    T = torch.ones(1, 1)
    while len(T) < len(seen):
        T = torch.kron(T, one)
    return torch.linalg.pinv(T) @ seen


# %% whole: brightness is scaled up, and that is all
def whole(seen, p):
    if p == 1:
        raise ValueError("p is 1")
    found = seen / (1 - p)
    found[0] = 1 - found[1:].sum()
    return found
