# What students hand in for assignment 09. Each cell takes the place of the solution cell that it names.


# %% forward: a missing detach
def link_sample(links, z, i):
    x = z
    for link in links[: i + 1]:
        x = link(x)
    return x


# %% forward: link i without a graph as well
def link_sample(links, z, i):
    x = z
    with torch.no_grad():
        for link in links[: i + 1]:
            x = link(x)
    return x


# %% forward: off by one, link i itself does not run
def link_sample(links, z, i):
    x = z
    with torch.no_grad():
        for link in links[: i - 1]:
            x = link(x)
    return links[i - 1](x)


# %% forward: a detach behind link i
def link_sample(links, z, i):
    x = z
    for link in links[: i + 1]:
        x = link(x)
    return x.detach().requires_grad_()


# %% forward: detached in front of link i, but all graphs before it are built
def link_sample(links, z, i):
    x = z
    for link in links[:i]:
        x = link(x)
    return links[i](x.detach())


# %% forward: the whole chain
def link_sample(links, z, i):
    x = z
    for j, link in enumerate(links):
        with torch.set_grad_enabled(j == i):
            x = link(x)
    return x


# %% forward: requires_grad switched off for good
def link_sample(links, z, i):
    for j, link in enumerate(links):
        link.requires_grad_(j == i)
    x = z
    with torch.no_grad():
        for link in links[:i]:
            x = link(x)
    return links[i](x)


# %% forward: editor i on the latents, without the links before it
def link_sample(links, z, i):
    return links[i](z)


# %% choose: the last editor is never drawn
def draw_link(editors):
    return int(torch.randint(max(editors, 1), ()))


# %% choose: the base is never drawn
def draw_link(editors):
    return int(torch.randint(1, editors + 1, ())) if editors else 0


# %% choose: rounding, which halves the chances of both ends
def draw_link(editors):
    return int((torch.rand(()) * editors).round())


# %% choose: a tensor
def draw_link(editors):
    return torch.randint(editors + 1, ())


# %% choose: Python's random numbers
def draw_link(editors):
    import random

    return random.randint(0, editors)


# %% choose: a seed inside
def draw_link(editors):
    torch.manual_seed(0)
    return int(torch.randint(editors + 1, ()))


# %% choose: one too many
def draw_link(editors):
    return int(torch.randint(editors + 2, ()))


# %% update: gradients set to zero instead of None
def update_link(loss, link, optimizer):
    optimizer.zero_grad(set_to_none=False)
    loss.backward(inputs=list(link.parameters()))
    optimizer.step()


# %% update: backward into all links
def update_link(loss, link, optimizer):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


# %% update: no zero_grad
def update_link(loss, link, optimizer):
    loss.backward(inputs=list(link.parameters()))
    optimizer.step()


# %% update: only this link's gradients are cleared
def update_link(loss, link, optimizer):
    link.zero_grad()
    loss.backward(inputs=list(link.parameters()))
    optimizer.step()


# %% update: a new Adam at every step, without a memory
def update_link(loss, link, optimizer):
    optimizer = torch.optim.Adam(link.parameters(), lr=optimizer.param_groups[0]["lr"])
    optimizer.zero_grad()
    loss.backward(inputs=list(link.parameters()))
    optimizer.step()


# %% update: cleared after backward
def update_link(loss, link, optimizer):
    loss.backward(inputs=list(link.parameters()))
    optimizer.zero_grad()
    optimizer.step()


# %% update: ascends
def update_link(loss, link, optimizer):
    optimizer.zero_grad()
    (-loss).backward(inputs=list(link.parameters()))
    optimizer.step()


# %% forward: in the reverse order
def link_sample(links, z, i):
    x = z
    with torch.no_grad():
        for link in reversed(links[:i]):
            x = link(x)
    return links[i](x)


# %% forward: z is overwritten
def link_sample(links, z, i):
    with torch.no_grad():
        for link in links[:i]:
            z.copy_(link(z))
    return links[i](z)


# %% forward: everybody is left in training mode
def link_sample(links, z, i):
    x = z
    for link in links:
        link.train()
    with torch.no_grad():
        for link in links[:i]:
            x = link(x)
    return links[i](x)


# %% choose: in turn
def draw_link(editors):
    draw_link.turn = getattr(draw_link, "turn", -1) + 1
    return draw_link.turn % (editors + 1)


# %% update: the others' gradients are set to zero after backward
def update_link(loss, link, optimizer):
    optimizer.zero_grad()
    loss.backward()
    mine = {id(p) for p in link.parameters()}
    for group in optimizer.param_groups:
        for p in group["params"]:
            if id(p) not in mine and p.grad is not None:
                p.grad.zero_()
    optimizer.step()


# %% update: the others are put back after the step
def update_link(loss, link, optimizer):
    optimizer.zero_grad()
    loss.backward()
    mine = {id(p) for p in link.parameters()}
    others = [p for group in optimizer.param_groups for p in group["params"] if id(p) not in mine]
    kept = [p.detach().clone() for p in others]
    optimizer.step()
    with torch.no_grad():
        for p, old in zip(others, kept):
            p.copy_(old)
