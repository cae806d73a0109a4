# What students hand in for assignment 11. Each cell takes the place of the solution cell that it names.


# %% matching: no half
def matching_loss(right, wrong, fake):
    softplus = nn.functional.softplus
    return softplus(-right).mean() + softplus(wrong).mean() + softplus(fake).mean()


# %% matching: wrong captions taken for right
def matching_loss(right, wrong, fake):
    softplus = nn.functional.softplus
    return softplus(-right).mean() + (softplus(-wrong).mean() + softplus(fake).mean()) / 2


# %% matching: without wrong captions
def matching_loss(right, wrong, fake):
    softplus = nn.functional.softplus
    return softplus(-right).mean() + softplus(fake).mean()


# %% matching: one mean over both kinds of fakes
def matching_loss(right, wrong, fake):
    softplus = nn.functional.softplus
    return softplus(-right).mean() + softplus(torch.cat([wrong, fake])).mean()


# %% matching: what D maximises
def matching_loss(right, wrong, fake):
    log = nn.functional.logsigmoid
    return log(right).mean() + (log(-wrong).mean() + log(-fake).mean()) / 2


# %% matching: a sigmoid, then a logarithm
def matching_loss(right, wrong, fake):
    r, w, f = torch.sigmoid(right), torch.sigmoid(wrong), torch.sigmoid(fake)
    return -r.log().mean() - ((1 - w).log().mean() + (1 - f).log().mean()) / 2


# %% matching: detached
def matching_loss(right, wrong, fake):
    softplus = nn.functional.softplus
    return softplus(-right).mean() + (softplus(wrong.detach()).mean() + softplus(fake.detach()).mean()) / 2


# %% blur: log_std taken for the logarithm of the variance
def draw(mean, log_std):
    return mean + (log_std / 2).exp() * torch.randn_like(mean)


def blur_price(mean, log_std):
    return (mean**2 + log_std.exp() - log_std - 1).sum(1) / 2


# %% blur: a mean over the dimensions
def draw(mean, log_std):
    return mean + log_std.exp() * torch.randn_like(mean)


def blur_price(mean, log_std):
    return (mean**2 + (2 * log_std).exp() - 2 * log_std - 1).mean(1) / 2


# %% blur: no half
def draw(mean, log_std):
    return mean + log_std.exp() * torch.randn_like(mean)


def blur_price(mean, log_std):
    return (mean**2 + (2 * log_std).exp() - 2 * log_std - 1).sum(1)


# %% blur: a draw through which no gradient passes
def draw(mean, log_std):
    return torch.normal(mean, log_std.exp()).detach()


def blur_price(mean, log_std):
    return (mean**2 + (2 * log_std).exp() - 2 * log_std - 1).sum(1) / 2


# %% blur: one number for all rows
def draw(mean, log_std):
    return mean + log_std.exp() * torch.randn_like(mean)


def blur_price(mean, log_std):
    return (mean**2 + (2 * log_std).exp() - 2 * log_std - 1).sum() / 2


# %% blur: one draw for a whole row
def draw(mean, log_std):
    return mean + log_std.exp() * torch.randn(len(mean), 1)


def blur_price(mean, log_std):
    return (mean**2 + (2 * log_std).exp() - 2 * log_std - 1).sum(1) / 2


# %% blur: a seed inside
def draw(mean, log_std):
    torch.manual_seed(0)
    return mean + log_std.exp() * torch.randn_like(mean)


def blur_price(mean, log_std):
    return (mean**2 + (2 * log_std).exp() - 2 * log_std - 1).sum(1) / 2


# %% mixtures: a permutation, which leaves some rows where they are
def mixtures(t, beta):
    return beta * t + (1 - beta) * t[torch.randperm(len(t))]


# %% mixtures: beta of the other
def mixtures(t, beta):
    n = len(t)
    partner = (torch.arange(n) + torch.randint(1, n, (n,))) % n
    return (1 - beta) * t + beta * t[partner]


# %% mixtures: always the next row
def mixtures(t, beta):
    return beta * t + (1 - beta) * t.roll(1, dims=0)


# %% mixtures: Python's random numbers
def mixtures(t, beta):
    import random

    n = len(t)
    partner = [random.choice([j for j in range(n) if j != i]) for i in range(n)]
    return beta * t + (1 - beta) * t[partner]


# %% mixtures: with the mean of all captions
def mixtures(t, beta):
    return beta * t + (1 - beta) * t.mean(0)


# %% mixtures: detached
def mixtures(t, beta):
    n = len(t)
    partner = (torch.arange(n) + torch.randint(1, n, (n,))) % n
    return (beta * t + (1 - beta) * t[partner]).detach()


# %% mixtures: in the place of the argument
def mixtures(t, beta):
    n = len(t)
    partner = (torch.arange(n) + torch.randint(1, n, (n,))) % n
    other = t[partner]
    t.data.mul_(beta).add_((1 - beta) * other)
    return t
