# What students hand in for assignment 02. Each cell takes the place of the solution cell that it names.


# %% transposed: the kernel turned round, as in an ordinary convolution
def transposed(x, w, stride=1, padding=0):
    canvas = torch.zeros((len(x) - 1) * stride + len(w))
    for i in range(len(x)):
        canvas[i * stride : i * stride + len(w)] += x[i] * w.flip(0)
    return canvas[padding : len(canvas) - padding]


# %% transposed: later strokes replace earlier ones
def transposed(x, w, stride=1, padding=0):
    canvas = torch.zeros((len(x) - 1) * stride + len(w))
    for i in range(len(x)):
        canvas[i * stride : i * stride + len(w)] = x[i] * w
    return canvas[padding : len(canvas) - padding]


# %% transposed: padding adds instead of taking away
def transposed(x, w, stride=1, padding=0):
    canvas = torch.zeros((len(x) - 1) * stride + len(w) + 2 * padding)
    for i in range(len(x)):
        canvas[padding + i * stride : padding + i * stride + len(w)] += x[i] * w
    return canvas


# %% transposed: padding at one end only
def transposed(x, w, stride=1, padding=0):
    canvas = torch.zeros((len(x) - 1) * stride + len(w))
    for i in range(len(x)):
        canvas[i * stride : i * stride + len(w)] += x[i] * w
    return canvas[padding:]


# %% transposed: canvas[p:-p], which is empty without padding
def transposed(x, w, stride=1, padding=0):
    canvas = torch.zeros((len(x) - 1) * stride + len(w))
    for i in range(len(x)):
        canvas[i * stride : i * stride + len(w)] += x[i] * w
    return canvas[padding:-padding]


# %% transposed: a place too many for each input (n instead of n - 1 strides)
def transposed(x, w, stride=1, padding=0):
    canvas = torch.zeros(len(x) * stride + len(w))
    for i in range(len(x)):
        canvas[i * stride : i * stride + len(w)] += x[i] * w
    return canvas[padding : len(canvas) - padding]


# %% batch-norm: statistics of each sample alone
def batch_norm(x, scale, shift, eps=1e-5):
    mean, variance = x.mean((2, 3), keepdim=True), x.var((2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (variance + eps).sqrt() * scale[:, None, None] + shift[:, None, None]


# %% batch-norm: statistics of each pixel alone
def batch_norm(x, scale, shift, eps=1e-5):
    mean, variance = x.mean(0), x.var(0, unbiased=False)
    return (x - mean) / (variance + eps).sqrt() * scale[:, None, None] + shift[:, None, None]


# %% batch-norm: the unbiased variance
def batch_norm(x, scale, shift, eps=1e-5):
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True)
    return (x - mean) / (variance + eps).sqrt() * scale[:, None, None] + shift[:, None, None]


# %% batch-norm: scale and shift along the columns
def batch_norm(x, scale, shift, eps=1e-5):
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (variance + eps).sqrt() * scale + shift


# %% batch-norm: eps beside the root
def batch_norm(x, scale, shift, eps=1e-5):
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (variance.sqrt() + eps) * scale[:, None, None] + shift[:, None, None]


# %% initialise: a variance of 0.02
def initialise_(module):
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, float(isinstance(layer, nn.BatchNorm2d)), 0.02**0.5)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


# %% initialise: batch norm's scale around 0
def initialise_(module):
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


# %% initialise: the outermost layers only
def initialise_(module):
    for layer in module.children():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, float(isinstance(layer, nn.BatchNorm2d)), 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


# %% initialise: no biases
def initialise_(module):
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, float(isinstance(layer, nn.BatchNorm2d)), 0.02)


# %% initialise: new parameters, which the optimiser does not know
def initialise_(module):
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            mean = float(isinstance(layer, nn.BatchNorm2d))
            layer.weight = nn.Parameter(mean + 0.02 * torch.randn(layer.weight.shape))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


# %% initialise: convolutions without a bias are forgotten
def initialise_(module):
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d) and layer.bias is not None:
            nn.init.normal_(layer.weight, float(isinstance(layer, nn.BatchNorm2d)), 0.02)
            nn.init.zeros_(layer.bias)


# %% initialise: everything that has a weight
def initialise_(module):
    for layer in module.modules():
        if getattr(layer, "weight", None) is not None:
            nn.init.normal_(layer.weight, float(isinstance(layer, nn.BatchNorm2d)), 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


# %% batch-norm: statistics without a graph
def batch_norm(x, scale, shift, eps=1e-5):
    with torch.no_grad():
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        variance = (x - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    return (x - mean) / (variance + eps).sqrt() * scale[:, None, None] + shift[:, None, None]


# %% batch-norm: in the place of x
def batch_norm(x, scale, shift, eps=1e-5):
    mean = x.mean(dim=(0, 2, 3), keepdim=True)
    variance = (x - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    x.data = ((x - mean) / (variance + eps).sqrt()).data
    return x * scale[:, None, None] + shift[:, None, None]


# %% initialise: a seed inside
def initialise_(module):
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


# %% initialise: requires_grad switched off
def initialise_(module):
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d):
            layer.weight.requires_grad_(False).normal_(1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0, 0.02)
            if layer.bias is not None:
                layer.bias.requires_grad_(False).zero_()


# %% initialise: whatever has a weight of two dimensions or more
def initialise_(module):
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
        elif isinstance(getattr(layer, "weight", None), nn.Parameter) and layer.weight.dim() > 1:
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if getattr(layer, "bias", None) is not None:
                nn.init.zeros_(layer.bias)
