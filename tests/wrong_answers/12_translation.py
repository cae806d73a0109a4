# What students hand in for assignment 12. Each cell takes the place of the solution cell that it names.


# %% cycle: in the wrong order
def cycle_loss(to_b, to_a, a, b):
    return (to_b(to_a(a)) - a).abs().mean() + (to_a(to_b(b)) - b).abs().mean()


# %% cycle: one direction
def cycle_loss(to_b, to_a, a, b):
    return (to_a(to_b(a)) - a).abs().mean()


# %% cycle: squares
def cycle_loss(to_b, to_a, a, b):
    return (to_a(to_b(a)) - a).square().mean() + (to_b(to_a(b)) - b).square().mean()


# %% cycle: sums over the pixels
def cycle_loss(to_b, to_a, a, b):
    return (to_a(to_b(a)) - a).abs().sum((1, 2, 3)).mean() + (to_b(to_a(b)) - b).abs().sum((1, 2, 3)).mean()


# %% cycle: the middle is detached
def cycle_loss(to_b, to_a, a, b):
    return (to_a(to_b(a).detach()) - a).abs().mean() + (to_b(to_a(b).detach()) - b).abs().mean()


# %% cycle: the mean of both directions
def cycle_loss(to_b, to_a, a, b):
    return ((to_a(to_b(a)) - a).abs().mean() + (to_b(to_a(b)) - b).abs().mean()) / 2


# %% cycle: no absolute value
def cycle_loss(to_b, to_a, a, b):
    return (to_a(to_b(a)) - a).mean() + (to_b(to_a(b)) - b).mean()


# %% buffer: returns a stored one, but does not store the new one
class Buffer:
    def __init__(self, size):
        self.size, self.kept = size, []

    def mix(self, fakes):
        out = []
        for fake in fakes.detach().clone():
            if len(self.kept) < self.size:
                self.kept.append(fake)
                out.append(fake)
            elif self.size == 0 or torch.rand(()) < 0.5:
                out.append(fake)
            else:
                out.append(self.kept[int(torch.randint(self.size, ()))])
        return torch.stack(out)


# %% buffer: one coin for the whole batch
class Buffer:
    def __init__(self, size):
        self.size, self.kept = size, []

    def mix(self, fakes):
        out, same = [], torch.rand(()) < 0.5
        for fake in fakes.detach().clone():
            if len(self.kept) < self.size:
                self.kept.append(fake)
                out.append(fake)
            elif self.size == 0 or same:
                out.append(fake)
            else:
                k = int(torch.randint(self.size, ()))
                out.append(self.kept[k])
                self.kept[k] = fake
        return torch.stack(out)


# %% buffer: the graph is kept
class Buffer:
    def __init__(self, size):
        self.size, self.kept = size, []

    def mix(self, fakes):
        out = []
        for fake in fakes:
            if len(self.kept) < self.size:
                self.kept.append(fake)
                out.append(fake)
            elif self.size == 0 or torch.rand(()) < 0.5:
                out.append(fake)
            else:
                k = int(torch.randint(self.size, ()))
                out.append(self.kept[k])
                self.kept[k] = fake
        return torch.stack(out)


# %% buffer: no copy, so that later changes reach what is stored
class Buffer:
    def __init__(self, size):
        self.size, self.kept = size, []

    def mix(self, fakes):
        out = []
        for fake in fakes.detach():
            if len(self.kept) < self.size:
                self.kept.append(fake)
                out.append(fake)
            elif self.size == 0 or torch.rand(()) < 0.5:
                out.append(fake)
            else:
                k = int(torch.randint(self.size, ()))
                out.append(self.kept[k])
                self.kept[k] = fake
        return torch.stack(out)


# %% buffer: a queue, the oldest comes back
class Buffer:
    def __init__(self, size):
        self.size, self.kept = size, []

    def mix(self, fakes):
        out = []
        for fake in fakes.detach().clone():
            self.kept.append(fake)
            out.append(self.kept.pop(0) if len(self.kept) > self.size else fake)
        return torch.stack(out)


# %% buffer: always a stored one once it is full
class Buffer:
    def __init__(self, size):
        self.size, self.kept = size, []

    def mix(self, fakes):
        out = []
        for fake in fakes.detach().clone():
            if len(self.kept) < self.size:
                self.kept.append(fake)
                out.append(fake)
            elif self.size == 0:
                out.append(fake)
            else:
                k = int(torch.randint(self.size, ()))
                out.append(self.kept[k])
                self.kept[k] = fake
        return torch.stack(out)


# %% buffer: one memory for all buffers
class Buffer:
    kept = []

    def __init__(self, size):
        self.size = size

    def mix(self, fakes):
        out = []
        for fake in fakes.detach().clone():
            if len(self.kept) < self.size:
                self.kept.append(fake)
                out.append(fake)
            elif self.size == 0 or torch.rand(()) < 0.5:
                out.append(fake)
            else:
                k = int(torch.randint(self.size, ()))
                out.append(self.kept[k])
                self.kept[k] = fake
        return torch.stack(out)


# %% buffer: always the same place
class Buffer:
    def __init__(self, size):
        self.size, self.kept = size, []

    def mix(self, fakes):
        out = []
        for fake in fakes.detach().clone():
            if len(self.kept) < self.size:
                self.kept.append(fake)
                out.append(fake)
            elif self.size == 0 or torch.rand(()) < 0.5:
                out.append(fake)
            else:
                out.append(self.kept[0])
                self.kept[0] = fake
        return torch.stack(out)


# %% masked: the mask first
def masked_label(y, which, sizes):
    start = sum(sizes[:which])
    c = y.new_zeros(len(y), sum(sizes) + len(sizes))
    c[:, which] = 1
    c[:, len(sizes) + start : len(sizes) + start + sizes[which]] = y
    return c


# %% masked: all sets at the beginning
def masked_label(y, which, sizes):
    c = y.new_zeros(len(y), sum(sizes) + len(sizes))
    c[:, : sizes[which]] = y
    c[:, sum(sizes) + which] = 1
    return c


# %% masked: no mask
def masked_label(y, which, sizes):
    start = sum(sizes[:which])
    c = y.new_zeros(len(y), sum(sizes))
    c[:, start : start + sizes[which]] = y
    return c


# %% masked: the mask says who is missing
def masked_label(y, which, sizes):
    start = sum(sizes[:which])
    c = y.new_zeros(len(y), sum(sizes) + len(sizes))
    c[:, start : start + sizes[which]] = y
    c[:, sum(sizes) :] = 1
    c[:, sum(sizes) + which] = 0
    return c


# %% masked: sets of one size
def masked_label(y, which, sizes):
    start = which * sizes[which]
    c = y.new_zeros(len(y), sum(sizes) + len(sizes))
    c[:, start : start + sizes[which]] = y
    c[:, sum(sizes) + which] = 1
    return c


# %% masked: always in floats
def masked_label(y, which, sizes):
    start = sum(sizes[:which])
    c = torch.zeros(len(y), sum(sizes) + len(sizes))
    c[:, start : start + sizes[which]] = y
    c[:, sum(sizes) + which] = 1
    return c
