"""The conformance suite: every system of the course passes it, and a new one is tested without a new test."""

import json

import pytest
import torch
from conformance import (
    BATCH,
    LEARNING,
    STEPS,
    build,
    conditions,
    data_of,
    differences,
    elsewhere,
    feed,
    go_on,
    repeated,
    run_of,
    state,
    take_part,
)

import ganlib as gl
from ganlib.models import SYSTEMS

assert go_on and take_part  # what other processes run

# A relativistic GAN (Jolicoeur-Martineau 2019) needs the batch's mean of D(x), over all processes; a conditional one is
# told y. Each is one file that the package knows nothing of.
RELATIVISTIC = '''
"""D says how much more real x is than the mean fake."""
from torch.nn.functional import softplus
from ganlib import parallel
from ganlib.gan import GAN, adam, shape_of
from ganlib.models import vanilla
from ganlib.objectives import NON_SATURATING


class Relativistic(GAN):
    def both(self, batch, fake):
        real, fake = self.discriminator(batch), self.discriminator(fake)
        return real - parallel.gather(fake).mean(), fake - parallel.gather(real).mean()

    def discriminator_step(self, batch, fake=None):
        fake = self.fakes(self.batch_latent(len(batch))) if fake is None else fake
        real, fake = self.both(batch, fake)
        loss = (softplus(-real) + softplus(fake)).mean()
        self.descend(loss, self.optimizers["discriminator"])
        return {"d_loss": loss.detach()}

    def generator_step(self, batch):
        real, fake = self.both(batch, self.generator(self.batch_latent(len(batch))))
        loss = (softplus(real) + softplus(-fake)).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach()}


def build(data, *, width=64, latent_dim=16, lr=2e-4):
    shape = shape_of(data)
    players = vanilla.Generator(shape, width, latent_dim), vanilla.Discriminator(shape, width)
    return Relativistic(*players, NON_SATURATING, latent_dim, g_optimizer=adam(lr), d_optimizer=adam(lr))
'''
CONDITIONAL = '''
"""Clothes by their class, with perceptrons."""
import torch
from torch import nn
from ganlib.gan import adam, shape_of
from ganlib.models import vanilla
from ganlib.models.cgan import ConditionalGAN, known, vectors
from ganlib.objectives import HINGE

DATA = "fashion10k"


class Told(nn.Module):
    def __init__(self, player, length):
        super().__init__()
        self.player, self.length = player, length

    def forward(self, x, y):
        return self.player(torch.cat([x.flatten(1), vectors(y, self.length, x)], 1))


def build(data, *, width=64, latent_dim=16, lr=1e-3):
    shape, (length, conditions) = shape_of(data), known(data)
    generator = Told(vanilla.Generator(shape, width, latent_dim + length), length)
    pixels = shape[0] * shape[1] * shape[2]
    discriminator = Told(vanilla.Discriminator((pixels + length,), width), length)
    players = generator, discriminator, HINGE, latent_dim
    return ConditionalGAN(*players, g_optimizer=adam(lr), d_optimizer=adam(lr), **conditions)
'''


@pytest.fixture(scope="session")
def papers(tmp_path_factory):
    """The files of the two papers from outside."""
    folder = tmp_path_factory.mktemp("papers")
    (folder / "relativistic.py").write_text(RELATIVISTIC)
    (folder / "conditional.py").write_text(CONDITIONAL)
    return folder


@pytest.fixture(params=[*SYSTEMS, "relativistic.py", "conditional.py"])
def name(request, papers):
    return request.param if request.param in SYSTEMS else str(papers / request.param)


@pytest.fixture(scope="module")
def names(papers):
    return [*SYSTEMS, *map(str, sorted(papers.iterdir()))]


def test_samples(name):
    """Point 1."""
    data = data_of(name)
    gan = build(name, data)
    samples, batch = gan.sample(5, seed=3), next(feed(gan, data))
    like = batch if isinstance(batch, torch.Tensor) else batch[0]
    assert samples.shape == (5, *data.shape) and samples.dtype == like.dtype
    if samples.is_floating_point():
        assert samples.min() >= -1 and samples.max() <= 1 and samples.std() > 0
    else:
        assert samples.min() >= 0 and samples.max() < len(data.vocabulary)
    assert torch.equal(samples, gan.sample(5, seed=3)) and not torch.equal(samples, gan.sample(5, seed=4))


def test_each_player_moves_alone(name):
    """Point 2: an update of one optimiser leaves every other player's parameters untouched, bit for bit."""
    data = data_of(name)
    gan = build(name, data)
    owner = {id(p): o for o, opt in gan.optimizers.items() for g in opt.param_groups for p in g["params"]}
    assert {id(p) for p in gan.parameters() if p.requires_grad} <= owner.keys()
    moved = set()

    def watched(player, step):
        def call(*args, **kwargs):
            before = {id(p): p.detach().clone() for p in gan.parameters()}
            step(*args, **kwargs)
            now = {owner[id(p)] for p in gan.parameters() if not torch.equal(p, before[id(p)])}
            assert now <= {player}
            moved.update(now)

        return call

    for player, optimizer in gan.optimizers.items():
        optimizer.step = watched(player, optimizer.step)
    batches = feed(gan, data)
    for _ in range(STEPS):
        before = {key: p.detach().clone() for key, p in gan.named_parameters()}
        gan.step(batches)
    assert moved and any(not torch.equal(p, before[key]) for key, p in gan.named_parameters())
    if type(gan).step is gl.GAN.step:  # the two halves of a step, each by itself
        batch = next(batches)
        for player, half in (("discriminator", gan.discriminator_step), ("generator", gan.generator_step)):
            before = {key: p.detach().clone() for key, p in gan.named_parameters()}
            half(batch)
            assert {k.split(".")[0] for k, p in gan.named_parameters() if not torch.equal(p, before[k])} == {player}


def test_a_seed_decides_everything(name):
    """Point 3."""
    data, runs = data_of(name), []
    for seed in (0, 0, 1):
        gan = build(name, data)
        gl.fit(gan, data, STEPS, BATCH, seed=seed)
        runs.append(state(gan))
    assert not differences(runs[0], runs[1])
    assert differences(runs[0], runs[2])


@pytest.fixture(scope="module")
def resumed(tmp_path_factory, names):
    """Every system trained for STEPS steps here and then, from its checkpoint, to 2 STEPS by a new process."""
    folder = tmp_path_factory.mktemp("resumed")
    for name in names:
        data = data_of(name)
        gl.fit(build(name, data), data, STEPS, BATCH, every=3, checkpoint=run_of(folder, name))
    elsewhere("go_on", folder, names)
    return folder


def test_resumed_in_a_new_process(name, resumed):
    """Point 4: 2k steps equal k steps, a new process, k steps."""
    data = data_of(name)
    gan, again = build(name, data), build(name, data, seed=7)
    history = gl.fit(gan, data, 2 * STEPS, BATCH, every=3)
    # nothing is left to do
    continued = gl.fit(again, data, 2 * STEPS, BATCH, every=3, checkpoint=run_of(resumed, name))
    assert not differences(state(gan), state(again))
    assert history.steps == continued.steps == [3, 6, 8]
    assert json.dumps(history.rows) == json.dumps(continued.rows)


def test_step_on_the_meta_device(name):
    """Point 5: a tensor made on the wrong device, or a hidden read of a value, fails here."""
    with torch.device("meta"):
        data = data_of(name)
        gan = build(name, data)
        logs = gan.step(feed(gan, data, 8))
    assert all(value.device.type == "meta" and value.shape == () for value in logs.values())
    assert all(p.device.type == "meta" for p in gan.parameters())


@pytest.fixture(scope="module")
def shared(tmp_path_factory, names):
    """The states that one process leaves, and those that two leave."""
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    for processes, folder in enumerate(folders, start=1):
        elsewhere("take_part", folder, names, processes)
    return [torch.load(folder / "states.pt", weights_only=True) for folder in folders]


def test_two_processes_make_the_updates_of_one(name, shared):
    """Point 6."""
    one, two = (states[name] for states in shared)
    assert one.keys() == two.keys()
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=0, atol=1e-9)


def test_learns_one_sample(name):
    """Point 7: nearer to a repeated sample than a twin whose players never stepped, but saw the same batches.

    What is compared is the mean sample, of pixels and voxels; of sequences the share of right tokens.
    """
    one = data_of(name)
    data = repeated(one)
    distances = []
    for frozen in (False, True):
        gan = build(name, data, **LEARNING.get(name, {}))
        if frozen:
            for player, optimizer in gan.optimizers.items():
                if "discriminator" not in player:
                    optimizer.step = lambda: None
        gl.fit(gan, data, 100, BATCH)
        samples, target = gan.sample(64, seed=0), next(feed(gan, data))
        target = (target if isinstance(target, torch.Tensor) else target[-1] if hasattr(data, "a") else target[0])[:1]
        if samples.is_floating_point():
            distances.append((samples.mean(0) - target).square().mean().item())
        else:
            distances.append((samples != target).float().mean().item())
    assert distances[0] < 0.95 * distances[1]


def test_samples_follow_what_they_are_told(name):
    """Point 8: of a conditional game; another y makes another sample of the same z."""
    data = data_of(name)
    gan = build(name, data)
    if not gan.conditional:
        with pytest.raises(ValueError, match="y is given, but this game is unconditional"):
            gan.sample(2, y=torch.zeros(2, dtype=torch.long))
        return
    gl.fit(gan, data, STEPS, BATCH)
    first, second = conditions(gan)
    told = gan.sample(8, seed=0, y=first)
    assert torch.equal(told, gan.sample(8, seed=0, y=first))
    changed = (gan.sample(8, seed=0, y=second) != told).flatten(1).any(1)
    assert torch.equal(changed, (first != second).reshape(8, -1).any(1))
    with pytest.raises(ValueError, match="y "):
        gan.sample(8, y=first[:3])
