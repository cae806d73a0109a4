"""Domains with a withheld truth, and the games that translate between them, on pictures worked out by hand."""

import pytest
import torch
from torch import nn

import ganlib as gl
from ganlib.data import Labelled, Pair
from ganlib.data import translations as sets
from ganlib.metrics import translations as measures
from ganlib.models import cyclegan, discogan, stargan


def digits(n=8, size=16):
    return gl.load("mnist5k", size=size).take(n)


# the sets


def test_painted_digits_are_what_their_attributes_say():
    images = gl.load("painted-digits", size=16)
    assert images.shape == (3, 16, 16) and images.groups == (3, 2, 2) and images.classes == sets.ATTRIBUTES
    assert images.y.split((3, 2, 2), 1)[0].sum(1).eq(1).all() and len(images.y.unique(dim=0)) == 12
    grey = gl.load("mnist5k", size=16).x
    assert torch.equal(images.x, sets.painted(grey, images.y))
    dark_thin_red = torch.tensor([[1, 0, 0, 1, 0, 1, 0]])
    made = sets.painted(grey[:1], dark_thin_red)
    assert torch.equal(made[:, 0], (grey[:1, 0].float() / 255 * 0.9 * 255).round().to(torch.uint8))  # red is 0.9 of it
    light = sets.painted(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), torch.tensor([[0, 1, 0, 1, 0, 0, 1]]))
    assert (light == 255).all()  # no ink: only ground
    dot = torch.zeros(1, 1, 5, 5, dtype=torch.uint8)
    dot[..., 2, 2] = 255
    bold = sets.painted(dot, torch.tensor([[0, 0, 1, 0, 1, 1, 0]]))
    assert (bold[0, 2] > 0).sum() == 9 and (
        sets.painted(dot, torch.tensor([[0, 0, 1, 1, 0, 1, 0]]))[0, 2] > 0
    ).sum() == 1


def test_all_attributes_are_twelve():
    every = sets.all_attributes()
    assert every.shape == (12, 7) and len(every.unique(dim=0)) == 12
    assert all(part.sum(1).eq(1).all() for part in every.split(sets.GROUPS, 1))


@pytest.mark.parametrize("name", ["edges-clothes", "turned-digits", "sevens-boots", "outlines-emoji"])
def test_domains_are_paired_in_the_test_split_alone(name):
    train, test = gl.load(name, size=16), gl.load(name, split="test", size=16)
    assert isinstance(train, gl.data.Domains) and len(test.a) == len(test.b)
    change = {
        "edges-clothes": sets.edges,
        "turned-digits": sets.quarter_turned,
    }.get(name)
    if change:
        assert torch.equal(change(test.b.x), test.a.x)
        known = {x.numpy().tobytes() for x in change(train.b.x)}
        assert not any(x.numpy().tobytes() in known for x in train.a.x)  # nobody could pair them


def test_edges_of_a_step():
    x = torch.zeros(1, 1, 5, 6, dtype=torch.uint8)
    x[..., 3:] = 100
    found = sets.edges(x)[0, 0]
    assert found[2].tolist() == [0, 0, 100, 100, 0, 100]  # the last column meets the border of zeros


def test_sevens_and_boots_share_their_tilt():
    """Turned back by the other's angle, a picture is upright: the truth is the angle alone."""
    test = gl.load("sevens-boots", split="test", size=32)
    angle = torch.tensor([0.3])
    x = gl.load("mnist5k", size=32).x[:1]
    back = sets.tilted(sets.tilted(x, angle), -angle)
    assert (back.float() - x.float()).abs().mean() < 12
    assert len(test.a) == len(test.b) == 100 and torch.equal(test.a.y, test.b.y)
    train = gl.load("sevens-boots", size=32)
    assert train.a.y.shape == (400, 1) and not torch.equal(train.a.y, train.b.y) and train.a.y.abs().max() < 1.05


# the measures


def test_measures_by_hand():
    truth = torch.zeros(3, 1, 2, 2)
    made = truth.clone()
    made[1] += 0.5
    assert measures.error(made, truth).tolist() == [0, 0.25, 0]
    candidates = torch.stack([truth, truth + 0.6])
    names = torch.tensor([[1, 0, 1], [0, 1, 1]])
    read = measures.read_attributes(made, candidates, names)
    assert read.tolist() == [[1, 0, 1], [0, 1, 1], [1, 0, 1]]
    assert measures.agreement(read, names[[0, 0, 0]], (2, 1)) == [2 / 3, 1.0]
    assert measures.spread(made) == pytest.approx((0.25 + 0.25 + 0) / 3)
    colours = torch.tensor([-1.0, 0.0, 1.0])[None, :, None, None].expand(2, 3, 2, 2)
    assert measures.spread(colours) == 0  # between pictures, not between channels
    with pytest.raises(ValueError, match="it must be the same"):
        measures.error(made, truth[:2])


# DiscoGAN's three models


def small(model="discogan", **settings):
    gl.seed_everything(0)
    data = gl.load("edges-clothes", size=16).take(40)
    return gl.build("discogan", data, model=model, width=4, **settings), data


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        return self.factor * x


class Mean(nn.Module):
    def forward(self, x):
        return x.flatten(1).mean(1) + 0 * self.weight

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))


@pytest.mark.parametrize("model, cycles", [("gan", ()), ("reconstruction", ("a",)), ("discogan", ("a", "b"))])
def test_each_model_has_its_terms(model, cycles):
    """Generators that multiply by 2 and by 3, discriminators that take the mean: every term is a small sum."""
    a, b = torch.full((2, 1, 4, 4), 0.1), torch.full((2, 1, 4, 4), 0.2)
    generator, judge = discogan.Both(Scale(3.0), Scale(2.0)), discogan.Both(Mean(), Mean())
    game = discogan.Translation(generator, judge, gl.objectives.WASSERSTEIN, Pair(a, b), model)
    logs = game.generator_step(Pair(a, b))
    fooled = {"b": -0.2, "a": -0.6}  # minus the mean of 2 * 0.1 and of 3 * 0.2
    assert logs["g_loss"].item() == pytest.approx(sum(fooled[side] for side in game.sides), rel=1e-5)
    squares = {"a": (6 * 0.1 - 0.1) ** 2, "b": (6 * 0.2 - 0.2) ** 2}
    assert logs["cycle"].item() == pytest.approx(sum(squares[side] for side in cycles), rel=1e-5)
    for weight in (0, 0.5):
        discogan.Translation(generator, judge, gl.objectives.WASSERSTEIN, Pair(a, b), model, reconstruction=weight)
    with pytest.raises(ValueError, match="reconstruction is -1; it must not be negative"):
        discogan.Translation(generator, judge, gl.objectives.WASSERSTEIN, Pair(a, b), model, reconstruction=-1)


def test_what_a_model_has_no_use_for_stays_as_it_was():
    for model, still in (("gan", ("generator.a", "discriminator.a")), ("reconstruction", ("discriminator.a",))):
        game, data = small(model)
        before = {n: p.clone() for n, p in game.named_parameters()}
        gl.fit(game, data, 2, 8)
        moved = {n for n, p in game.named_parameters() if not torch.equal(p, before[n])}
        assert not any(n.startswith(still) for n in moved) and any(n.startswith("generator.b") for n in moved)


def test_translate_goes_both_ways_and_leaves_the_training_alone():
    game, data = small()
    x = data.a.x[:5] / 127.5 - 1
    there = game.translate(x)
    assert there.shape == (5, 1, 16, 16) and torch.equal(there, game.translate(x))
    assert game.translate(there, to="a").shape == x.shape and game.generator.training
    with pytest.raises(ValueError, match="to is 'c'"):
        game.translate(x, to="c")
    with pytest.raises(ValueError, match="only a way from a to b"):
        small("gan")[0].translate(x, to="a")


def test_bad_settings():
    data = gl.load("edges-clothes", size=16).take(20)
    with pytest.raises(ValueError, match="model is 'both'"):
        gl.build("discogan", data, model="both", width=4)
    with pytest.raises(ValueError, match="it must be Domains"):
        gl.build("discogan", (1, 16, 16), width=4)
    with pytest.raises(ValueError, match="identity is 0.5, but the domains have 1 and 3 channels"):
        gl.build("cyclegan", gl.load("outlines-emoji", size=16).take(20), width=4)
    with pytest.raises(ValueError, match="has no attributes"):
        gl.build("stargan", (3, 16, 16), width=4)
    with pytest.raises(ValueError, match="must add up to 5"):
        gl.build("stargan", gl.load("painted-digits", size=16).take(20), sets=(3, 3), width=4)


# CycleGAN


def cycle(**settings):
    gl.seed_everything(0)
    data = gl.load("turned-digits", size=16).take(64)
    return gl.build("cyclegan", data, width=4, **settings), data


def test_the_buffer_keeps_each_fake_and_shows_half_of_the_old():
    game, _ = cycle(buffer=6)

    def fakes(first, n):
        return torch.arange(first, first + n, dtype=torch.float32)[:, None, None, None].expand(n, 1, 16, 16)

    for first in (1, 4):  # while it fills up, what is new is shown
        assert torch.equal(game.through_buffer(fakes(first, 3), "b"), fakes(first, 3))
    assert game.kept_b[:6, 0, 0, 0].tolist() == [1, 2, 3, 4, 5, 6] and int(game.count_b) == 6
    torch.manual_seed(0)
    old = shown_old = 0
    for step in range(200):
        before = set(game.kept_b[:6, 0, 0, 0].tolist())
        new = fakes(100 + 3 * step, 3)
        shown = game.through_buffer(new, "b")[:, 0, 0, 0].tolist()
        after = set(game.kept_b[:6, 0, 0, 0].tolist())
        for value, mine in zip(shown, new[:, 0, 0, 0].tolist()):
            old += 1
            shown_old += value != mine
            # an old one that is shown leaves, and the new one takes its place
            assert (value in before and value not in after and mine in after) if value != mine else mine not in after
    assert 0.42 < shown_old / old < 0.58
    assert game.kept_a.abs().max() == 0  # each domain has its own


def test_the_identity_term_by_hand():
    a, b = torch.full((2, 1, 4, 4), 0.1), torch.full((2, 1, 4, 4), 0.2)
    generator, judge = discogan.Both(Scale(3.0), Scale(2.0)), discogan.Both(Mean(), Mean())
    game = cyclegan.CycleGAN(
        generator, judge, gl.objectives.LEAST_SQUARES, Pair(a, b), reconstruction=10.0, identity=0.5
    )
    assert game.further(Pair(a, b)).item() == pytest.approx(0.5 * 10 * (1 * 0.2 + 2 * 0.1), rel=1e-5)
    assert game.distance(a, b).item() == pytest.approx(0.1, rel=1e-5)  # absolute, no square


# StarGAN


def star(**settings):
    gl.seed_everything(0)
    data = gl.load("painted-digits", size=16).take(64)
    return gl.build("stargan", data, width=4, **settings), data


def test_d_cls_by_hand():
    """Groups of three and two columns: cross-entropy in each; a lone column: yes or no; their sum."""
    game, _ = star()
    logits = torch.tensor([[1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]])
    c = torch.tensor([[1, 0, 0, 0, 1, 1, 0]])
    e = torch.tensor(1.0).exp()
    right = -(e / (e + 2)).log() - (1 / (e**2 + 1)).log() + torch.tensor(2.0).log()
    assert game.read(logits, c).item() == pytest.approx(right.item(), rel=1e-6)
    game.groups = ()
    alone = torch.nn.functional.binary_cross_entropy_with_logits(logits, c.float(), reduction="sum")
    assert game.read(logits, c).item() == pytest.approx(alone.item(), rel=1e-6)


def masked(images, filler=0):
    """Half of the pictures label the ink, the others stroke and ground; the last two columns say which."""
    first = (torch.arange(len(images)) % 2 == 0)[:, None]
    known = torch.cat([first.expand(-1, 3), ~first.expand(-1, 4)], 1)
    y = torch.cat([torch.where(known, images.y, filler), first, ~first], 1).long()
    return gl.Images(images.x, y, "two sets")


def test_the_mask_is_a_group_of_its_own():
    data = masked(gl.load("painted-digits", size=16).take(8))
    data = gl.Images(data.x, data.y, "two sets", groups=(3, 2, 2, 2))
    assert gl.build("stargan", data, sets=(3, 4), width=4).groups == (3, 2, 2)


def test_the_mask_leaves_out_what_a_set_does_not_label():
    gl.seed_everything(0)
    data = masked(gl.load("painted-digits", size=16).take(64))
    game = gl.build("stargan", data, sets=(3, 4), width=4)
    game.groups = (3, 2, 2)
    logits = torch.randn(6, 7)
    y = data.y[:6]
    before = game.read(logits, y)
    other = logits.clone()
    other[0::2, 3:] += 5  # of pictures that only label the ink
    other[1::2, :3] -= 5
    assert torch.allclose(game.read(other, y), before)
    other[0, 0] += 1
    assert not torch.allclose(game.read(other, y), before)
    assert game.discriminator.attributes.out_features == 7  # the mask is told to G, and not asked of D


def test_the_terms_of_eq_5_and_6_have_their_weights():
    """With other lambdas the first update moves the heads otherwise; at 0 the attributes' head stands still."""
    game, data = star(classification=0.0)
    before = game.discriminator.attributes.parametrizations.weight.original.clone()
    batch = Labelled(data.x[:8] / 127.5 - 1, data.y[:8])
    game.discriminator_step(batch)
    assert torch.equal(game.discriminator.attributes.parametrizations.weight.original, before)
    totals = {}
    for weight in (1.0, 3.0):
        game, _ = star(classification=weight)
        game.descend = lambda loss, _: totals.setdefault(weight, []).append(loss.item())  # noqa: B023
        torch.manual_seed(0)
        logs = game.discriminator_step(batch) | game.generator_step(batch)
        assert totals[weight][0] == pytest.approx((logs["d_loss"] + weight * logs["d_reads"]).item(), rel=1e-5)
        right = logs["g_loss"] + weight * logs["g_reads"] + 10 * logs["cycle"]
        assert totals[weight][1] == pytest.approx(right.item(), rel=1e-5)


def test_wanted_attributes_are_those_of_other_pictures():
    game, data = star()
    torch.manual_seed(0)
    c = game.wanted(data.y)
    assert not torch.equal(c, data.y) and torch.equal(c.sum(0), data.y.sum(0))


def test_stargan_with_the_papers_wasserstein():
    game, data = star(objective=gl.objectives.WASSERSTEIN, penalty=10.0, n_critic=2)
    history = gl.fit(game, data, 2, 8, every=1)
    assert "penalty" in history.names and not any("parametrizations" in n for n, _ in game.named_parameters())


def test_translate_wants_attributes():
    game, data = star()
    x = data.x[:3] / 127.5 - 1
    one = game.translate(x, data.y[0])
    assert torch.equal(one, game.translate(x, data.y[:1].expand(3, -1)))
    with pytest.raises(ValueError, match="y is None"):
        game.translate(x)
    assert isinstance(next(data.batches(4, labels=True)), Labelled)
    assert stargan.DATA == "painted-digits"
