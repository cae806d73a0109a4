# What students hand in for assignment 10. Each cell takes the place of the solution cell that it names.


# %% planes: one map with the label's number
def with_label(x, y, classes):
    plane = y.to(x.dtype)[:, None, None, None].expand(-1, classes, *x.shape[2:])
    return torch.cat([x, plane], dim=1)


# %% planes: the label before the picture
def with_label(x, y, classes):
    planes = nn.functional.one_hot(y, classes).to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([planes, x], dim=1)


# %% planes: one pixel instead of a map
def with_label(x, y, classes):
    planes = torch.zeros(len(x), classes, *x.shape[2:], dtype=x.dtype)
    planes[torch.arange(len(x)), y, 0, 0] = 1
    return torch.cat([x, planes], dim=1)


# %% planes: the first sample's label for all
def with_label(x, y, classes):
    planes = torch.zeros(len(x), classes, *x.shape[2:], dtype=x.dtype)
    planes[:, y[0]] = 1
    return torch.cat([x, planes], dim=1)


# %% planes: cut from the graph
def with_label(x, y, classes):
    planes = nn.functional.one_hot(y, classes).to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x.detach(), planes], dim=1)


# %% planes: always float64
def with_label(x, y, classes):
    planes = nn.functional.one_hot(y, classes).double()[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x.double(), planes], dim=1)


# %% planes: as many classes as the batch happens to show
def with_label(x, y, classes):
    planes = nn.functional.one_hot(y).to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes], dim=1)


# %% losses: fakes judged with labels of others
def losses(D, G, x, y, z):
    softplus = nn.functional.softplus
    fake = G(z, y)
    wrong = y.roll(1)
    return softplus(-D(x, y)).mean() + softplus(D(fake.detach(), wrong)).mean(), softplus(-D(fake, y)).mean()


# %% losses: no detach
def losses(D, G, x, y, z):
    softplus = nn.functional.softplus
    fake = G(z, y)
    return softplus(-D(x, y)).mean() + softplus(D(fake, y)).mean(), softplus(-D(fake, y)).mean()


# %% losses: the generator minimises log(1 - D)
def losses(D, G, x, y, z):
    softplus = nn.functional.softplus
    fake = G(z, y)
    return softplus(-D(x, y)).mean() + softplus(D(fake.detach(), y)).mean(), -softplus(D(fake, y)).mean()


# %% losses: detached for the generator too
def losses(D, G, x, y, z):
    softplus = nn.functional.softplus
    fake = G(z, y).detach()
    return softplus(-D(x, y)).mean() + softplus(D(fake, y)).mean(), softplus(-D(fake, y)).mean()


# %% losses: a sigmoid and a logarithm, infinite where D is sure
def losses(D, G, x, y, z):
    fake = G(z, y)
    d = -torch.sigmoid(D(x, y)).log().mean() - (1 - torch.sigmoid(D(fake.detach(), y))).log().mean()
    return d, -torch.sigmoid(D(fake, y)).log().mean()


# %% losses: two fakes
def losses(D, G, x, y, z):
    softplus = nn.functional.softplus
    d = softplus(-D(x, y)).mean() + softplus(D(G(z, y).detach(), y)).mean()
    return d, softplus(-D(G(z, y), y)).mean()


# %% losses: half the discriminator's loss
def losses(D, G, x, y, z):
    softplus = nn.functional.softplus
    fake = G(z, y)
    d = (softplus(-D(x, y)).mean() + softplus(D(fake.detach(), y)).mean()) / 2
    return d, softplus(-D(fake, y)).mean()


# %% losses: the generator is asked for random labels
def losses(D, G, x, y, z):
    softplus = nn.functional.softplus
    fake = G(z, y[torch.randperm(len(y))])
    return softplus(-D(x, y)).mean() + softplus(D(fake.detach(), y)).mean(), softplus(-D(fake, y)).mean()


# %% obeyed: of those that are taken for the class, the share that was asked for it
def obeyed(logits, asked):
    seen = logits.argmax(1)
    return torch.stack([(asked[seen == k] == k).double().mean() for k in range(logits.shape[1])])


# %% obeyed: 0 where nothing is known
def obeyed(logits, asked):
    right = (logits.argmax(1) == asked).double()
    return torch.stack([right[asked == k].mean() for k in range(logits.shape[1])]).nan_to_num(0)


# %% obeyed: one number
def obeyed(logits, asked):
    return (logits.argmax(1) == asked).double().mean()


# %% obeyed: shares of all samples
def obeyed(logits, asked):
    right = (logits.argmax(1) == asked).double()
    return torch.stack([(right * (asked == k)).mean() for k in range(logits.shape[1])])


# %% obeyed: mean probability in the place of decisions
def obeyed(logits, asked):
    p = logits.softmax(1)
    return torch.stack([p[asked == k, k].mean() for k in range(logits.shape[1])])


# %% obeyed: only classes that were asked for
def obeyed(logits, asked):
    right = (logits.argmax(1) == asked).double()
    return torch.stack([right[asked == k].mean() for k in asked.unique()])
