# What students hand in for assignment 05. Each cell takes the place of the solution cell that it names.


# %% interpolate: a number for each pixel
def interpolate(real, fake):
    u = torch.rand(real.shape)
    return (u * real.detach() + (1 - u) * fake.detach()).requires_grad_()


# %% interpolate: one number for the whole batch
def interpolate(real, fake):
    u = torch.rand(())
    return (u * real.detach() + (1 - u) * fake.detach()).requires_grad_()


# %% interpolate: a normal number
def interpolate(real, fake):
    u = torch.randn(len(real), *[1] * (real.dim() - 1))
    return (u * real.detach() + (1 - u) * fake.detach()).requires_grad_()


# %% interpolate: a missing detach
def interpolate(real, fake):
    u = torch.rand(len(real), *[1] * (real.dim() - 1))
    return (u * real + (1 - u) * fake).requires_grad_()


# %% interpolate: detached, but without a gradient
def interpolate(real, fake):
    u = torch.rand(len(real), *[1] * (real.dim() - 1))
    return (u * real + (1 - u) * fake).detach()


# %% interpolate: pictures only
def interpolate(real, fake):
    u = torch.rand(len(real), 1, 1, 1)
    return (u * real.detach() + (1 - u) * fake.detach()).requires_grad_()


# %% interpolate: always half-way
def interpolate(real, fake):
    return ((real.detach() + fake.detach()) / 2).requires_grad_()


# %% penalty: the norm over one axis
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.norm(2, dim=1) - 1).square()


# %% penalty: the norm over one axis, hidden by a mean
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.norm(2, dim=1) - 1).square().flatten(1).mean(1)


# %% penalty: the norm over the whole batch
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.norm() - 1).square().expand(len(x))


# %% penalty: the gradient of the mean over the batch
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).mean(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square()


# %% penalty: create_graph is missing
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).sum(), x)
    return (gradient.flatten(1).norm(dim=1) - 1).square()


# %% penalty: the root is missing
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).square().sum(1) - 1).square()


# %% penalty: the mean instead of one for each sample
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


# %% penalty: not squared
def gradient_penalty(critic, x):
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).abs()


# %% penalty: backward, which leaves gradients in the parameters
def gradient_penalty(critic, x):
    critic(x).sum().backward(create_graph=True)
    return (x.grad.flatten(1).norm(dim=1) - 1).square()


# %% mixes: the gradient of the sum
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    (whole,) = torch.autograd.grad(critic(x).sum(), x)
    alone = [torch.autograd.grad(critic(x)[i], x)[0][i] for i in range(len(x))]
    return bool((whole - torch.stack(alone)).abs().max() > 1e-2)


# %% mixes: looks for layers
def mixes_samples(critic, x):
    return any("BatchNorm" in type(layer).__name__ for layer in critic.modules())


# %% mixes: switches to eval mode
def mixes_samples(critic, x):
    critic.eval()
    x = x.detach().clone().requires_grad_()
    for i, answer in enumerate(critic(x)):
        (gradient,) = torch.autograd.grad(answer, x, retain_graph=True)
        if gradient[torch.arange(len(x)) != i].abs().max() > 1e-12:
            return True
    return False


# %% mixes: the gradient at the sample itself counts
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    for answer in critic(x):
        (gradient,) = torch.autograd.grad(answer, x, retain_graph=True)
        if gradient.abs().max() > 1e-12:
            return True
    return False


# %% mixes: the first answer only
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x)[0], x)
    return bool(gradient[1:].abs().max() > 1e-12)


# %% mixes: only the neighbour to the right
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    answers = critic(x)
    gradients = [torch.autograd.grad(answer, x, retain_graph=True)[0] for answer in answers]
    return any(bool(gradients[i][i + 1].abs().max() > 1e-12) for i in range(len(x) - 1))


# %% penalty: backward, and gradients wiped afterwards
def gradient_penalty(critic, x):
    critic(x).sum().backward(create_graph=True)
    gradient, x.grad = x.grad, None
    for p in critic.parameters():
        p.grad = None
    return (gradient.flatten(1).norm(dim=1) - 1).square()


# %% penalty: in eval mode
def gradient_penalty(critic, x):
    critic.eval()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square()


# %% mixes: the last answer decides
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    result = False
    for i, answer in enumerate(critic(x)):
        (g,) = torch.autograd.grad(answer, x, retain_graph=True)
        result = g[torch.arange(len(x)) != i].abs().max().item() > 1e-12
    return result


# %% mixes: no absolute value
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    for i, answer in enumerate(critic(x)):
        (g,) = torch.autograd.grad(answer, x, retain_graph=True)
        if g[torch.arange(len(x)) != i].max() > 1e-12:
            return True
    return False


# %% mixes: only earlier samples
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    for i, answer in enumerate(critic(x)):
        (g,) = torch.autograd.grad(answer, x, retain_graph=True)
        if i and g[:i].abs().max() > 1e-12:
            return True
    return False


# %% mixes: a signed sum
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    for i, answer in enumerate(critic(x)):
        (g,) = torch.autograd.grad(answer, x, retain_graph=True)
        if (g.flatten(1).sum(1)[torch.arange(len(x)) != i].abs() > 1e-12).any():
            return True
    return False


# %% mixes: a tolerance of 1e-4
def mixes_samples(critic, x):
    x = x.detach().clone().requires_grad_()
    for i, answer in enumerate(critic(x)):
        (g,) = torch.autograd.grad(answer, x, retain_graph=True)
        if g[torch.arange(len(x)) != i].abs().max() > 1e-4:
            return True
    return False
