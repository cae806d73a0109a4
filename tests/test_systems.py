"""The conformance suite: every system of the course passes it, and a new one is tested without a new test."""

import json
import subprocess
import sys

import pytest
import torch

import ganlib as gl
from ganlib.models import SYSTEMS

SHAPE = (1, 16, 16)
SIZES = {name: dict(width=8) for name in SYSTEMS}
SIZES["lens"] |= dict(K=6, lr=5e-4)  # the lens leaves between the two halves of the resumed run
SIZES["chaingan"] |= dict(editors=1, d=4, lr=1e-3)  # every link learns in only some of the steps
STEPS = 4


def build(name, seed=0):
    gl.seed_everything(seed)
    return gl.build(name, SHAPE, **SIZES[name])


@pytest.fixture(scope="module")
def images():
    return gl.load("mnist5k", size=SHAPE[1]).take(200)


def state(gan):
    """Every number that a run changes: parameters, buffers, optimiser moments."""
    tensors = dict(gan.state_dict())
    for name, optimizer in gan.optimizers.items():
        for i, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{i}.{key}": torch.as_tensor(value) for key, value in moments.items()}
    return {key: value.clone() for key, value in tensors.items()}


def differences(a, b):
    # an optimiser has no moments of what it never moved, such as a link of a chain that was not drawn
    return [key for key in a.keys() | b.keys() if key not in a or key not in b or not torch.equal(a[key], b[key])]


systems = pytest.mark.parametrize("name", SYSTEMS)


@systems
def test_samples(name):
    """Point 1."""
    gan = build(name)
    samples = gan.sample(5, seed=3)
    assert samples.shape == (5, *SHAPE) and samples.dtype == torch.float32
    assert samples.min() >= -1 and samples.max() <= 1 and samples.std() > 0
    assert torch.equal(samples, gan.sample(5, seed=3)) and not torch.equal(samples, gan.sample(5, seed=4))


@systems
def test_each_player_moves_alone(name, images):
    """Point 2."""
    gan = build(name)
    real = next(images.batches(16))
    for player, move in (
        ("discriminator", lambda: gan.discriminator_step(real)),
        ("generator", lambda: gan.generator_step(16)),
    ):
        before = {key: p.detach().clone() for key, p in gan.named_parameters()}
        move()
        moved = {key.split(".")[0] for key, p in gan.named_parameters() if not torch.equal(p, before[key])}
        assert moved == {player}


@systems
def test_a_seed_decides_everything(name, images):
    """Point 3."""
    runs = []
    for seed in (0, 0, 1):
        gan = build(name)
        gl.fit(gan, images, STEPS, batch_size=16, seed=seed)
        runs.append(state(gan))
    assert not differences(runs[0], runs[1])
    assert differences(runs[0], runs[2])


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """Every system trained for STEPS steps here and then, from its checkpoint, to 2 STEPS by a new process."""
    folder = tmp_path_factory.mktemp("resumed")
    for name in SYSTEMS:
        gl.fit(build(name), gl.load("mnist5k", size=SHAPE[1]).take(200), STEPS, 16, every=3, checkpoint=folder / name)
    code = f"""
import ganlib as gl, torch
gl.seed_everything(99)  # neither the weights nor the random state at hand may matter
images = gl.load("mnist5k", size={SHAPE[1]}).take(200)
for name, sizes in {SIZES!r}.items():
    gan = gl.build(name, {SHAPE}, **sizes)
    gl.fit(gan, images, {2 * STEPS}, 16, every=3, checkpoint=r"{folder}/" + name)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    return folder


@systems
def test_resumed_in_a_new_process(name, images, resumed):
    """Point 4: 2k steps equal k steps, a new process, k steps."""
    gan, again = build(name), build(name, seed=7)
    history = gl.fit(gan, images, 2 * STEPS, 16, every=3)
    continued = gl.fit(again, images, 2 * STEPS, 16, every=3, checkpoint=resumed / name)  # nothing is left to do
    assert not differences(state(gan), state(again))
    assert history.steps == continued.steps == [3, 6, 8]
    assert json.dumps(history.rows) == json.dumps(continued.rows)


@systems
def test_step_on_the_meta_device(name):
    """Point 5: a tensor made on the wrong device, or a hidden read of a value, fails here."""
    with torch.device("meta"):
        gan = build(name)
        logs = gan.step(gl.load("mnist5k", size=SHAPE[1]).batches(8))
    assert all(value.device.type == "meta" and value.shape == () for value in logs.values())
    assert all(p.device.type == "meta" for p in gan.parameters())


@systems
def test_learns_one_picture(name):
    """Point 7: nearer to a repeated picture than a twin whose generator never stepped, but saw the same batches."""
    one = gl.load("mnist5k", size=SHAPE[1]).take(1)
    images = gl.Images(one.x.repeat(64, 1, 1, 1), None, "one digit")
    target = images.x[:1].float() / 127.5 - 1
    distances = []
    for frozen in (False, True):
        gan = build(name)
        if frozen:
            gan.optimizers["generator"].step = lambda: None
        gl.fit(gan, images, 100, batch_size=16)
        distances.append((gan.sample(64, seed=0).mean(0) - target).square().mean().item())
    assert distances[0] < 0.95 * distances[1]
