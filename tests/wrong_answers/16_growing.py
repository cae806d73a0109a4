# What students hand in for assignment 16. Each cell takes the place of the solution cell that it names.


# %% fade: the other way round
def faded(old, new, alpha):
    return alpha * nn.functional.interpolate(old, scale_factor=2, mode="nearest") + (1 - alpha) * new


# %% fade: enlarged smoothly
def faded(old, new, alpha):
    large = nn.functional.interpolate(old, scale_factor=2, mode="bilinear", align_corners=False)
    return (1 - alpha) * large + alpha * new


# %% fade: tiles in the place of larger pixels
def faded(old, new, alpha):
    return (1 - alpha) * old.repeat(1, 1, 2, 2) + alpha * new


# %% fade: the new one made smaller
def faded(old, new, alpha):
    return (1 - alpha) * old + alpha * nn.functional.avg_pool2d(new, 2)


# %% fade: the old one is detached
def faded(old, new, alpha):
    return (1 - alpha) * nn.functional.interpolate(old.detach(), scale_factor=2, mode="nearest") + alpha * new


# %% fade: both in full
def faded(old, new, alpha):
    return nn.functional.interpolate(old, scale_factor=2, mode="nearest") + alpha * new


# %% stddev: divided by N - 1
def with_stddev(h):
    spread = (h.var(0) + 1e-8).sqrt().mean()
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


# %% stddev: the root of 0
def with_stddev(h):
    spread = h.std(0, unbiased=False).mean()
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


# %% stddev: the small number outside the root
def with_stddev(h):
    spread = (h.var(0, unbiased=False).sqrt() + 1e-8).mean()
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


# %% stddev: over the pixels of each sample
def with_stddev(h):
    spread = (h.flatten(1).var(1, unbiased=False) + 1e-8).sqrt()
    return torch.cat([h, spread[:, None, None, None].expand(-1, 1, *h.shape[2:])], dim=1)


# %% stddev: over everything at once
def with_stddev(h):
    spread = (h.var(unbiased=False) + 1e-8).sqrt()
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


# %% stddev: the map of deviations, not their mean
def with_stddev(h):
    spread = (h.var(0, unbiased=False) + 1e-8).sqrt().mean(0, keepdim=True)
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


# %% stddev: the root of the mean variance
def with_stddev(h):
    spread = (h.var(0, unbiased=False).mean() + 1e-8).sqrt()
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


# %% stddev: without a gradient
def with_stddev(h):
    spread = (h.detach().var(0, unbiased=False) + 1e-8).sqrt().mean()
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


# %% equalised: He's initialisation, once
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(o, i) * math.sqrt(2 / i)), nn.Parameter(torch.zeros(o))

    def forward(self, x):
        return x @ self.weight.T + self.bias


# %% equalised: scaled in place, again and again
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(o, i)), nn.Parameter(torch.zeros(o))
        self.scale = math.sqrt(2 / i)

    def forward(self, x):
        self.weight.data.mul_(self.scale)
        return x @ self.weight.T + self.bias


# %% equalised: the bias is scaled too
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(o, i)), nn.Parameter(torch.zeros(o))
        self.scale = math.sqrt(2 / i)

    def forward(self, x):
        return (x @ self.weight.T + self.bias) * self.scale


# %% equalised: by the number of outputs
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(o, i)), nn.Parameter(torch.zeros(o))
        self.scale = math.sqrt(2 / o)

    def forward(self, x):
        return x @ (self.weight * self.scale).T + self.bias


# %% equalised: divided by the constant
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(o, i)), nn.Parameter(torch.zeros(o))
        self.scale = math.sqrt(2 / i)

    def forward(self, x):
        return x @ (self.weight / self.scale).T + self.bias


# %% equalised: uniform weights
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.rand(o, i)), nn.Parameter(torch.zeros(o))
        self.scale = math.sqrt(2 / i)

    def forward(self, x):
        return x @ (self.weight * self.scale).T + self.bias


# %% equalised: the scale is a parameter
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(o, i)), nn.Parameter(torch.zeros(o))
        self.scale = nn.Parameter(torch.tensor(math.sqrt(2 / i)))

    def forward(self, x):
        return x @ (self.weight * self.scale).T + self.bias
