# Right answers to assignment 16 in other forms than the reference's; each must keep its points.


# %% fade: repeat_interleave and lerp
def faded(old, new, alpha):
    large = old.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return torch.lerp(large, new, alpha)


# %% fade: a Kronecker product with ones
def faded(old, new, alpha):
    return torch.kron(old, torch.ones(1, 1, 2, 2)) * (1 - alpha) + new * alpha


# %% fade: Upsample
def faded(old, new, alpha):
    return alpha * new + nn.Upsample(scale_factor=2)(old) * (1 - alpha)


# %% stddev: from the differences to the mean
def with_stddev(h):
    variance = (h - h.mean(dim=0, keepdim=True)).square().mean(dim=0)
    number = torch.sqrt(variance + 1e-8).mean()
    return torch.cat((h, number * torch.ones_like(h[:, :1])), 1)


# %% stddev: repeat
def with_stddev(h):
    n, _, height, width = h.shape
    number = torch.pow(torch.var(h, dim=0, correction=0) + 1e-8, 0.5).flatten().mean()
    return torch.cat([h, number.view(1, 1, 1, 1).repeat(n, 1, height, width)], dim=1)


# %% stddev: einsum over the squares
def with_stddev(h):
    centred = h - h.mean(0)
    variance = torch.einsum("nchw,nchw->chw", centred, centred) / len(h)
    number = ((variance + 1e-8) ** 0.5).sum() / variance.numel()
    return torch.hstack([h, number.expand(len(h), 1, h.shape[2], h.shape[3])])


# %% equalised: linear with a scaled weight
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(o, i).normal_())
        self.bias = nn.Parameter(torch.zeros(o))

    def forward(self, x):
        return nn.functional.linear(x, self.weight * (2 / self.weight.shape[1]) ** 0.5, self.bias)


# %% equalised: the input is scaled, which is the same
class EqualisedLinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.gain = (2 / i) ** 0.5
        self.bias = nn.Parameter(torch.zeros(o))
        self.weight = nn.Parameter(torch.randn((o, i)))

    def forward(self, x):
        return torch.addmm(self.bias, self.gain * x, self.weight.t())


# %% equalised: a subclass of nn.Linear
class EqualisedLinear(nn.Linear):
    def __init__(self, i, o):
        super().__init__(i, o)
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x):
        return torch.einsum("ni,oi->no", x, self.weight) * math.sqrt(2 / self.in_features) + self.bias
