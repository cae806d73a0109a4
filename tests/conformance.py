"""What every system must show, over every kind of data, and what it is tested with: shared by the tests of systems, of
several processes and of papers from outside the package.

Run as a program it trains every system that it is told and leaves what came out as a file; see ``main``.
"""

import dataclasses
import sys
import time

import torch

import ganlib as gl
from ganlib import models, parallel
from ganlib.data import rows

SIDE, ROWS, BATCH, STEPS = 16, 200, 16, 4
# the lens leaves between the two halves of a resumed run; every link of the chain learns in only some of the steps
SETTINGS = {"lens": dict(K=6, lr=5e-4), "chaingan": dict(editors=1, d=4, lr=1e-3)}


def data_of(name):
    """A small set of the kind that a system is at home with."""
    data = gl.load(models.home(name), size=SIDE)
    return data.take(min(ROWS, len(data)))


def build(name, data, seed=0):
    gl.seed_everything(seed)
    return gl.build(name, data, width=8, **SETTINGS.get(name, {}))


def state(gan):
    """Every number that a run changes: parameters, buffers, extra state, optimiser moments."""
    tensors = {key: value for key, value in gan.state_dict().items() if isinstance(value, torch.Tensor)}
    for name, optimizer in gan.optimizers.items():
        for i, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{i}.{key}": torch.as_tensor(value) for key, value in moments.items()}
    return {key: value.clone() for key, value in tensors.items()}


def differences(a, b):
    # an optimiser has no moments of what it never moved, such as a link of a chain that was not drawn
    return [key for key in a.keys() | b.keys() if key not in a or key not in b or not torch.equal(a[key], b[key])]


def feed(gan, data, batch=BATCH, dtype=torch.float32):
    """Endless batches of the kind that a game is told."""
    batches = data.batches(batch, **dict(labels=True) if gan.conditional else {})
    return gl.data.cast(batches, dtype)


def repeated(data, n=64):
    """A set of n times the first sample, of every domain where there are several."""
    if hasattr(data, "a"):
        return dataclasses.replace(data, a=repeated(data.a, n), b=repeated(data.b, n))
    return data.at(torch.zeros(n, dtype=torch.long))


def main(folder, names, processes):
    """Points 4 and 6 from a process of its own.

    With ``processes`` 0: every system goes on from its checkpoint in the folder to 2 STEPS. Else: 20 steps in float64 of
    every system, batch norm's statistics frozen (they are each process's own), the parameters to states.pt.
    """
    if not processes:
        gl.seed_everything(99)  # neither the weights nor the random state at hand may matter
        for name in names:
            data = data_of(name)
            gan = build(name, data, seed=5)
            gl.fit(gan, data, 2 * STEPS, BATCH, every=3, checkpoint=f"{folder}/{name.replace('/', '_')}.run")
        return
    parallel.start()
    torch.set_num_threads(1)
    states = {}
    for name in names:
        data = data_of(name).take(64)
        torch.set_default_dtype(torch.float64)
        gan = build(name, data).eval()
        batches = feed(gan, data, 8, torch.float64)
        for _ in range(20):
            gan.step(batches)
        states[name] = {k: v for k, v in state(gan).items() if v.is_floating_point()}
        torch.set_default_dtype(torch.float32)
    if parallel.rank() == 0:
        torch.save(states, f"{folder}/states.pt")
    time.sleep(0)  # processes end together


def on_disk(name):
    """The file of a run of a system, whose name may be a path."""
    return f"{name.replace('/', '_')}.run"


def samples_follow_y(gan):
    """Whether another y changes the sample of one seed, and the same y does not."""
    a, b = (gan.sample(8, seed=0, y=gan_y) for gan_y in two_conditions(gan))
    return torch.equal(a, gan.sample(8, seed=0, y=two_conditions(gan)[0])) and not torch.equal(a, b)


def two_conditions(gan):
    """Two different conditions of eight samples, drawn from what the game remembers of its data."""
    for seed in range(100):
        torch.manual_seed(seed)
        first, second = gan.draw_conditions(8), gan.draw_conditions(8)
        if not torch.equal(first, second):
            return first, second
    raise AssertionError("the game knows one condition only")


assert rows  # the kinds of batches are the library's

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3:], int(sys.argv[2]))
