# Right answers to assignment 15 in other forms than the reference's; each must keep its points.


# %% window: a loop over pictures
def keep_patch(x, side):
    n, _, h, w = x.shape
    mask = torch.zeros(n, 1, h, w, dtype=torch.bool)
    for i in range(n):
        top, left = int(torch.randint(h - side + 1, ())), int(torch.randint(w - side + 1, ()))
        mask[i, :, top : top + side, left : left + side] = True
    return torch.where(mask, x, -torch.ones_like(x))


# %% window: shifted by one, multiplied, shifted back
def keep_patch(x, side):
    n, c, h, w = x.shape
    top = torch.randint(0, h - side + 1, (n, 1, 1, 1))
    left = torch.randint(0, w - side + 1, (n, 1, 1, 1))
    row, column = torch.arange(h).view(1, 1, h, 1), torch.arange(w).view(1, 1, 1, w)
    inside = (row - top >= 0) & (row - top < side) & (column - left >= 0) & (column - left < side)
    return (x + 1) * inside - 1


# %% window: masked_fill
def keep_patch(x, side):
    n, _, h, w = x.shape
    places = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"))
    corner = torch.stack([torch.randint(h - side + 1, (n,)), torch.randint(w - side + 1, (n,))], dim=1)
    off = places[None] - corner[:, :, None, None]
    outside = ((off < 0) | (off >= side)).any(1, keepdim=True)
    return x.masked_fill(outside, -1.0)


# %% ambient: logsigmoid
def ambient_losses(D, G, measure, measured, z):
    log = nn.functional.logsigmoid
    fake = measure(G(z))
    d_loss = -(log(D(measured)).mean() + log(-D(fake.detach())).mean())
    return d_loss, -log(D(fake)).mean()


# %% ambient: cross-entropy with targets
def ambient_losses(D, G, measure, measured, z):
    def bce(logits, target):
        return nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

    broken = measure(G(z))
    return [bce(D(measured), 1.0) + bce(D(broken.data), 0.0), bce(D(broken), 1.0)]


# %% ambient: logaddexp
def ambient_losses(D, G, measure, measured, z):
    def cost(logits):
        return torch.logaddexp(torch.zeros_like(logits), logits).mean()

    y = measure(G(z))
    g_loss = cost(-D(y))
    d_loss = cost(-D(measured)) + cost(D(y.detach()))
    return d_loss, g_loss


# %% whole: pixel by pixel, from the last to the first
def whole(seen, p):
    if p >= 1:
        raise ValueError("p must be below 1")
    q, size = seen.clone(), 1
    while size < len(q):
        q = q.view(-1, 2, size)
        ones = q[:, 1] / (1 - p)
        q = torch.stack([q[:, 0] - p * ones, ones], dim=1).reshape(-1)
        size *= 2
    return q


# %% whole: a power of the inverse
def whole(seen, p):
    if abs(1 - p) < 1e-12:
        raise ValueError(f"p is {p}")
    back = torch.linalg.inv(torch.tensor([[1.0, p], [0.0, 1.0 - p]]))
    n = len(seen).bit_length() - 1
    q = seen.reshape([2] * n)
    for axis in range(n):
        q = torch.movedim(torch.tensordot(back, q, dims=([1], [axis])), 0, axis)
    return q.reshape(-1)


# %% whole: inclusion and exclusion over masks
def whole(seen, p):
    if p == 1.0:
        raise ValueError("nothing can be found")
    size = len(seen)
    T = torch.zeros(size, size)
    for pattern in range(size):
        for left in range(size):
            if left & ~pattern == 0:
                blocked, kept = (pattern & ~left).bit_count(), left.bit_count()
                T[left, pattern] = p**blocked * (1 - p) ** kept
    return torch.linalg.inv(T) @ seen
