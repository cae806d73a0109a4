# What students hand in for assignment 07. Each cell takes the place of the solution cell that it names.


# %% gran-step: h_c before h_z
def gran_step(z, previous, f, g, W, b):
    h_z = torch.tanh(z @ W.T + b)
    h_c = torch.zeros_like(h_z) if previous is None else g(previous)
    return f(torch.cat([h_c, h_z], dim=1))


# %% gran-step: no tanh
def gran_step(z, previous, f, g, W, b):
    h_z = z @ W.T + b
    h_c = torch.zeros_like(h_z) if previous is None else g(previous)
    return f(torch.cat([h_z, h_c], dim=1))


# %% gran-step: W on the wrong side
def gran_step(z, previous, f, g, W, b):
    h_z = torch.tanh(z @ W + b)
    h_c = torch.zeros_like(h_z) if previous is None else g(previous)
    return f(torch.cat([h_z, h_c], dim=1))


# %% gran-step: an empty canvas encoded at the first step
def gran_step(z, previous, f, g, W, b):
    h_z = torch.tanh(z @ W.T + b)
    if previous is None:
        previous = torch.zeros_like(f(torch.cat([h_z, h_z], dim=1)))
    return f(torch.cat([h_z, g(previous)], dim=1))


# %% gran-step: detached, so that nothing is learnt through time
def gran_step(z, previous, f, g, W, b):
    h_z = torch.tanh(z @ W.T + b)
    h_c = torch.zeros_like(h_z) if previous is None else g(previous.detach())
    return f(torch.cat([h_z, h_c], dim=1))


# %% gran-step: the two codes added
def gran_step(z, previous, f, g, W, b):
    h_z = torch.tanh(z @ W.T + b)
    h_c = torch.zeros_like(h_z) if previous is None else g(previous)
    return f(torch.cat([h_z, h_z + h_c], dim=1))


# %% gran-step: a second tanh around what g gives
def gran_step(z, previous, f, g, W, b):
    h_z = torch.tanh(z @ W.T + b)
    h_c = torch.zeros_like(h_z) if previous is None else torch.tanh(g(previous))
    return f(torch.cat([h_z, h_c], dim=1))


# %% canvases: still in [0, 1]
def canvases(updates):
    return torch.sigmoid(updates.cumsum(dim=0))


# %% canvases: tanh, which is twice too steep
def canvases(updates):
    return torch.tanh(updates.cumsum(dim=0))


# %% canvases: the sigmoid of each update, then the sum
def canvases(updates):
    return 2 * torch.sigmoid(updates).cumsum(dim=0) - 1


# %% canvases: the mean of the updates
def canvases(updates):
    return 2 * torch.sigmoid(torch.stack([updates[: t + 1].mean(0) for t in range(len(updates))])) - 1


# %% canvases: every update on a fresh canvas
def canvases(updates):
    return 2 * torch.sigmoid(updates) - 1


# %% canvases: summed over the batch
def canvases(updates):
    return 2 * torch.sigmoid(updates.cumsum(dim=0).cumsum(dim=1)) - 1


# %% canvases: the last canvas only
def canvases(updates):
    return 2 * torch.sigmoid(updates.sum(dim=0)) - 1


# %% canvases: the updates themselves are overwritten
def canvases(updates):
    for t in range(1, len(updates)):
        updates[t] += updates[t - 1]
    return 2 * torch.sigmoid(updates) - 1


# %% draw: the sum of all updates is fed back
def draw(z, T, d, step):
    if z.shape[1] not in (d, T * d):
        raise ValueError(z.shape)
    zs = [z] * T if z.shape[1] == d else z.split(d, dim=1)
    updates = []
    for z_t in zs:
        updates.append(step(z_t, sum(updates) if updates else None))
    return torch.stack(updates)


# %% draw: nothing is fed back
def draw(z, T, d, step):
    if z.shape[1] not in (d, T * d):
        raise ValueError(z.shape)
    zs = [z] * T if z.shape[1] == d else z.split(d, dim=1)
    return torch.stack([step(z_t, None) for z_t in zs])


# %% draw: rows cut by a reshape, which mixes the samples
def draw(z, T, d, step):
    if z.shape[1] not in (d, T * d):
        raise ValueError(z.shape)
    zs = [z] * T if z.shape[1] == d else z.reshape(T, -1, d)
    updates = []
    for z_t in zs:
        updates.append(step(z_t, updates[-1] if updates else None))
    return torch.stack(updates)


# %% draw: one step too many
def draw(z, T, d, step):
    if z.shape[1] not in (d, T * d):
        raise ValueError(z.shape)
    zs = [z] * (T + 1) if z.shape[1] == d else z.split(d, dim=1)
    updates = []
    for z_t in zs:
        updates.append(step(z_t, updates[-1] if updates else None))
    return torch.stack(updates)


# %% draw: the first latent at every step
def draw(z, T, d, step):
    if z.shape[1] not in (d, T * d):
        raise ValueError(z.shape)
    updates = []
    for _ in range(T):
        updates.append(step(z[:, :d], updates[-1] if updates else None))
    return torch.stack(updates)


# %% draw: detached between steps
def draw(z, T, d, step):
    if z.shape[1] not in (d, T * d):
        raise ValueError(z.shape)
    zs = [z] * T if z.shape[1] == d else z.split(d, dim=1)
    updates = []
    for z_t in zs:
        updates.append(step(z_t, updates[-1].detach() if updates else None))
    return torch.stack(updates)


# %% draw: any width is taken
def draw(z, T, d, step):
    zs = z.split(d, dim=1) if z.shape[1] == T * d else [z] * T
    updates = []
    for z_t in zs:
        updates.append(step(z_t, updates[-1] if updates else None))
    return torch.stack(updates)


# %% gran-step: the latent's part without a graph
def gran_step(z, previous, f, g, W, b):
    with torch.no_grad():
        h_z = torch.tanh(z @ W.T + b)
    h_c = torch.zeros_like(h_z) if previous is None else g(previous)
    return f(torch.cat([h_z, h_c], dim=1))


# %% canvases: without a graph
@torch.no_grad()
def canvases(updates):
    return 2 * torch.sigmoid(updates.cumsum(dim=0)) - 1


# %% canvases: the sum so far is detached
def canvases(updates):
    total, drawn = torch.zeros_like(updates[0]), []
    for update in updates:
        total = total.detach() + update
        drawn.append(2 * torch.sigmoid(total) - 1)
    return torch.stack(drawn)
