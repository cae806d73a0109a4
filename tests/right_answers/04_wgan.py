# Right answers to assignment 04 in other forms than the reference's; each must keep its points.


# %% clip: data and clip_by_value
def clip_weights_(module, limit):
    for parameter in module.parameters():
        parameter.data.clamp_(min=-limit, max=limit)


# %% clip: copy_ of a minimum and a maximum
@torch.no_grad()
def clip_weights_(module, limit):
    for _, parameter in module.named_parameters():
        parameter.copy_(torch.minimum(torch.maximum(parameter, torch.tensor(-limit)), torch.tensor(limit)))


# %% clip: foreach
def clip_weights_(module, limit):
    with torch.no_grad():
        for parameter in list(module.parameters()):
            parameter[parameter > limit] = limit
            parameter[parameter < -limit] = -limit


# %% step: no_grad for the fakes, gradients by inputs
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for k in range(len(reals)):
        with torch.no_grad():
            fake = generator(latents[k])
        critic_optimizer.zero_grad()
        (critic(fake).mean() - critic(reals[k]).mean()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[len(reals)])).mean()).backward(inputs=list(generator.parameters()))
    generator_optimizer.step()


# %% step: the critic maximises
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    *first, last = latents
    for x, z in zip(reals, first):
        gain = critic(x).mean() - critic(generator(z).detach()).mean()
        critic_optimizer.zero_grad(set_to_none=False)
        (-gain).backward()
        critic_optimizer.step()
        with torch.no_grad():
            for w in critic.parameters():
                w.clamp_(-limit, limit)
    generator_optimizer.zero_grad(set_to_none=False)
    critic(generator(last)).mean().neg().backward()
    generator_optimizer.step()


# %% step: gradients by hand into the optimisers
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    def move(loss, module, optimizer):
        parameters = list(module.parameters())
        for p, slope in zip(parameters, torch.autograd.grad(loss, parameters)):
            p.grad = slope
        optimizer.step()

    for x, z in zip(reals, latents):
        move(critic(generator(z).detach()).mean() - critic(x).mean(), critic, critic_optimizer)
        for p in critic.parameters():
            p.data = p.data.clamp(-limit, limit)
    move(-critic(generator(latents[-1])).mean(), generator, generator_optimizer)


# %% w1: equal grains
def w1(x, y):
    a = x.sort().values.repeat_interleave(len(y))
    b = y.sort().values.repeat_interleave(len(x))
    return (a - b).abs().mean().item()


# %% w1: comparisons in the place of searchsorted
def w1(x, y):
    places = torch.cat((x, y)).sort()[0]
    F = (x[None, :] <= places[:-1, None]).double().mean(1)
    G = (y[None, :] <= places[:-1, None]).double().mean(1)
    return float(torch.dot((F - G).abs(), places[1:] - places[:-1]))


# %% w1: SciPy
def w1(x, y):
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(x.numpy(), y.numpy()))
