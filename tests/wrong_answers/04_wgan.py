# What students hand in for assignment 04. Each cell takes the place of the solution cell that it names.


# %% clip: new tensors, which the optimiser does not know
def clip_weights_(module, limit):
    for layer in module.modules():
        for name, parameter in list(layer.named_parameters(recurse=False)):
            setattr(layer, name, nn.Parameter(parameter.detach().clamp(-limit, limit)))


# %% clip: clamp without the underscore
def clip_weights_(module, limit):
    for parameter in module.parameters():
        parameter.data.clamp(-limit, limit)


# %% clip: weights without biases
def clip_weights_(module, limit):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.endswith("weight"):
                parameter.clamp_(-limit, limit)


# %% clip: one side only
def clip_weights_(module, limit):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.clamp_(max=limit)


# %% clip: gradients instead of weights
def clip_weights_(module, limit):
    torch.nn.utils.clip_grad_value_(module.parameters(), limit)


# %% clip: buffers too
def clip_weights_(module, limit):
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.clamp_(-limit, limit)


# %% clip: scaled down to the limit instead of clamped
def clip_weights_(module, limit):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(limit / parameter.abs().max().clamp_min(limit))


# %% step: the critic's sign
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        critic_optimizer.zero_grad()
        (critic(real).mean() - critic(generator(z).detach()).mean()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% step: the generator's sign
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        critic_optimizer.zero_grad()
        (critic(generator(z).detach()).mean() - critic(real).mean()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    critic(generator(latents[-1])).mean().backward()
    generator_optimizer.step()


# %% step: a missing detach, and the generator's gradient of the critic's loss left over
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    generator_optimizer.zero_grad()
    for real, z in zip(reals, latents):
        critic_optimizer.zero_grad()
        (critic(generator(z)).mean() - critic(real).mean()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% step: no zero_grad for the critic
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        (critic(generator(z).detach()).mean() - critic(real).mean()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% step: clamped before the update
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
        critic_optimizer.zero_grad()
        (critic(generator(z).detach()).mean() - critic(real).mean()).backward()
        critic_optimizer.step()
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% step: clamped once, after all updates
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        critic_optimizer.zero_grad()
        (critic(generator(z).detach()).mean() - critic(real).mean()).backward()
        critic_optimizer.step()
    for parameter in critic.parameters():
        parameter.data.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% step: the generator moves after each update of the critic
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        critic_optimizer.zero_grad()
        (critic(generator(z).detach()).mean() - critic(real).mean()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
        generator_optimizer.zero_grad()
        (-critic(generator(latents[-1])).mean()).backward()
        generator_optimizer.step()


# %% step: the same batch every time
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for _ in reals:
        critic_optimizer.zero_grad()
        (critic(generator(latents[0]).detach()).mean() - critic(reals[0]).mean()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% step: sums instead of means
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        critic_optimizer.zero_grad()
        (critic(generator(z).detach()).sum() - critic(real).sum()).backward()
        critic_optimizer.step()
        for parameter in critic.parameters():
            parameter.data.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).sum()).backward()
    generator_optimizer.step()


# %% w1: not sorted
def w1(x, y):
    n = min(len(x), len(y))
    return (x[:n] - y[:n]).abs().mean().item()


# %% w1: sorted, and cut to the shorter sample
def w1(x, y):
    n = min(len(x), len(y))
    return (x.sort().values[:n] - y.sort().values[:n]).abs().mean().item()


# %% w1: the distance of the means
def w1(x, y):
    return abs(x.mean() - y.mean()).item()


# %% w1: squares
def w1(x, y):
    places = torch.cat([x, y]).sort().values
    F = torch.searchsorted(x.sort().values, places[:-1], right=True) / len(x)
    G = torch.searchsorted(y.sort().values, places[:-1], right=True) / len(y)
    return ((F - G).square() * places.diff()).sum().item()


# %% w1: counts instead of shares
def w1(x, y):
    places = torch.cat([x, y]).sort().values
    F = torch.searchsorted(x.sort().values, places[:-1], right=True)
    G = torch.searchsorted(y.sort().values, places[:-1], right=True)
    return ((F - G).abs() * places.diff()).sum().item() / max(len(x), len(y))


# %% w1: every value of one sample to the nearest of the other
def w1(x, y):
    return (x[:, None] - y).abs().min(dim=1).values.mean().item()


# %% w1: the largest gap (Kolmogorov and Smirnov) instead of the area
def w1(x, y):
    places = torch.cat([x, y]).sort().values
    F = torch.searchsorted(x.sort().values, places, right=True) / len(x)
    G = torch.searchsorted(y.sort().values, places, right=True) / len(y)
    return (F - G).abs().max().item()


# %% w1: strictly below, so that repeated values are counted too late
def w1(x, y):
    places = torch.cat([x, y]).sort().values
    F = torch.searchsorted(x.sort().values, places[:-1]) / len(x)
    G = torch.searchsorted(y.sort().values, places[:-1]) / len(y)
    return ((F - G).abs() * places.diff()).sum().item()


# %% clip: frozen parameters are skipped
def clip_weights_(module, limit):
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.clamp_(-limit, limit)


# %% clip: requires_grad off and on again
def clip_weights_(module, limit):
    for parameter in module.parameters():
        parameter.requires_grad_(False).clamp_(-limit, limit)
        parameter.requires_grad_(True)


# %% step: the generator takes the loop's last latents
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        loss = critic(generator(z).detach()).mean() - critic(real).mean()
        critic_optimizer.zero_grad()
        loss.backward()
        critic_optimizer.step()
        with torch.no_grad():
            for parameter in critic.parameters():
                parameter.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(z)).mean()).backward()
    generator_optimizer.step()


# %% step: fresh latents for the generator
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        loss = critic(generator(z).detach()).mean() - critic(real).mean()
        critic_optimizer.zero_grad()
        loss.backward()
        critic_optimizer.step()
        with torch.no_grad():
            for parameter in critic.parameters():
                parameter.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(torch.randn_like(latents[-1]))).mean()).backward()
    generator_optimizer.step()


# %% step: the generator is clamped too
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        loss = critic(generator(z).detach()).mean() - critic(real).mean()
        critic_optimizer.zero_grad()
        loss.backward()
        critic_optimizer.step()
        with torch.no_grad():
            for parameter in (*critic.parameters(), *generator.parameters()):
                parameter.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% step: biases are not clamped
def wgan_step(critic, generator, reals, latents, critic_optimizer, generator_optimizer, limit):
    for real, z in zip(reals, latents):
        loss = critic(generator(z).detach()).mean() - critic(real).mean()
        critic_optimizer.zero_grad()
        loss.backward()
        critic_optimizer.step()
        with torch.no_grad():
            for name, parameter in critic.named_parameters():
                if "bias" not in name:
                    parameter.clamp_(-limit, limit)
    generator_optimizer.zero_grad()
    (-critic(generator(latents[-1])).mean()).backward()
    generator_optimizer.step()


# %% w1: sorted in their place
def w1(x, y):
    x.numpy().sort()
    y.numpy().sort()
    places = torch.cat([x, y]).sort().values
    F = torch.searchsorted(x, places[:-1], right=True) / len(x)
    G = torch.searchsorted(y, places[:-1], right=True) / len(y)
    return ((F - G).abs() * places.diff()).sum().item()
