"""What every system must show, over every kind of data: shared by the tests of the course's systems and of papers from
outside the package. Run as a program it is one of several processes, or the one that goes on with stopped runs."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import torch

import ganlib as gl
from ganlib import models, parallel

SIDE, ROWS, BATCH, STEPS = 16, 200, 16, 4
# the lens leaves between the two halves of a resumed run; every link of the chain learns in only some of the steps
SETTINGS = {
    "lens": dict(K=6, lr=5e-4),
    "chaingan": dict(editors=1, d=4, lr=1e-3),
    # the run is stopped in the middle of a fade
    "progan": dict(fade=48, stable=32, latent_dim=16),
    # both first phases are over before the run is stopped
    "seqgan": dict(pretrain=2, d_pretrain=1, rollouts=2, d_steps=1),
    "maligan": dict(pretrain=2, d_pretrain=1, d_steps=1, K=3, stage=2, m=2),
}


# a policy's gradient is slow: what a run of a hundred steps is to learn, it learns in its first phase; and 3D-GAN's
# discriminator, at the paper's rate, learns little in so few
LEARNING = {
    "gan3d": dict(lr=1e-3, d_lr=1e-3, rule=None),
    "stackgan": dict(lr=1e-3),
    "seqgan": dict(pretrain=80),
    "maligan": dict(pretrain=80),
}


def data_of(name, n=ROWS):
    """A small set of the kind that a system is at home with."""
    data = gl.load(models.home(name), size=SIDE)
    return data.take(min(n, len(data)))


def build(name, data, seed=0, **settings):
    gl.seed_everything(seed)
    return gl.build(name, data, **{"width": 8, **SETTINGS.get(name, {}), **settings})


def state(gan):
    """Every number that a run changes: parameters, buffers, optimiser moments."""
    tensors = {key: torch.as_tensor(value) for key, value in gan.state_dict().items()}
    for name, optimizer in gan.optimizers.items():
        for i, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{i}.{key}": torch.as_tensor(value) for key, value in moments.items()}
    return {key: value.clone() for key, value in tensors.items()}


def differences(a, b):
    # an optimiser has no moments of what it never moved, such as a link of a chain that was not drawn
    return [key for key in a.keys() | b.keys() if key not in a or key not in b or not torch.equal(a[key], b[key])]


def feed(gan, data, batch=BATCH, dtype=torch.float32):
    """Endless batches of the kind that a game is told."""
    return gl.data.cast(data.batches(batch, **dict(labels=True) if gan.conditional else {}), dtype)


def repeated(data, n=64):
    """A set of n times the first sample, of each domain where there are two."""
    if hasattr(data, "a"):
        return dataclasses.replace(data, a=repeated(data.a, n), b=repeated(data.b, n))
    return data.subset(torch.zeros(n, dtype=torch.long))


def conditions(gan, n=8):
    """Two different lists of n conditions, drawn from what a game remembers of its data."""
    torch.manual_seed(0)
    first = second = gan.draw_conditions(n)
    while torch.equal(first, second):
        second = gan.draw_conditions(n)
    return first, second


def run_of(folder, name):
    return Path(folder) / f"{Path(name).stem}.run"


def go_on(folder, names):
    """Point 4, the second half: every system from its checkpoint to 2 STEPS."""
    for name in names:
        data = data_of(name)
        gl.fit(build(name, data, seed=99), data, 2 * STEPS, BATCH, every=3, checkpoint=run_of(folder, name))


def take_part(folder, names):
    """Point 6: twenty steps of every system in float64; batch norm's statistics, each process's own, are frozen."""
    parallel.start()
    torch.set_num_threads(1)
    states = {}
    for name in names:
        data = data_of(name, 64)
        torch.set_default_dtype(torch.float64)
        gan = build(name, data).eval()
        batches = feed(gan, data, 8, torch.float64)
        for _ in range(20):
            gan.step(batches)
        states[name] = {k: v for k, v in state(gan).items() if v.is_floating_point()}
        torch.set_default_dtype(torch.float32)
    if parallel.rank() == 0:
        torch.save(states, Path(folder) / "states.pt")


def elsewhere(what, folder, names, processes=1):
    """Run one of these functions in so many new processes."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(torchrun if processes > 1 else []), __file__, what, folder, *names]
    # processes that lose step wait for each other for ever
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    {"go_on": go_on, "take_part": take_part}[sys.argv[1]](sys.argv[2], sys.argv[3:])
