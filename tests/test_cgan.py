"""The conditional GAN: who is told what, and whether a measure sees it."""

import pytest
import torch

import ganlib as gl
from ganlib.metrics import thresholds
from ganlib.models.cgan import ConditionalGAN, Discriminator, Generator, known, vectors
from ganlib.objectives import HINGE, LEAST_SQUARES, MINIMAX, NON_SATURATING, WASSERSTEIN, gradient_penalty, r1

SHAPE = (1, 16, 16)


@pytest.fixture(scope="module")
def images():
    return gl.load("mnist5k", size=16).take(300)


def attributes(n=40):
    """Images whose y is seven columns in groups of three, two and two."""
    y = torch.zeros(n, 7)
    for i in range(n):
        y[i, [i % 3, 3 + i % 2, 5 + i // 2 % 2]] = 1
    return gl.Images(torch.zeros(n, 3, 16, 16, dtype=torch.uint8), y, "seven", groups=(3, 2, 2))


def test_a_class_is_a_one_hot_vector_and_a_vector_itself():
    like = torch.zeros(1)
    assert vectors(torch.tensor([2, 0]), 3, like).tolist() == [[0, 0, 1], [1, 0, 0]]
    soft = torch.tensor([[0.25, 0.75]], dtype=torch.float64)
    assert vectors(soft, 2, like).tolist() == [[0.25, 0.75]] and vectors(soft, 2, like).dtype == torch.float32


def test_planes_are_constant_maps_beside_the_image():
    torch.manual_seed(0)
    discriminator, seen = Discriminator(SHAPE, 4, 10, "planes", True), []
    discriminator.images.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x, y = torch.rand(5, *SHAPE), torch.tensor([0, 3, 3, 9, 1])
    discriminator(x, y)
    assert seen[0].shape == (5, 11, 16, 16) and torch.equal(seen[0][:, :1], x)
    for i, c in enumerate(y):
        assert (seen[0][i, 1 + c] == 1).all() and seen[0][i, 1:].sum() == 256


def test_projection_adds_an_inner_product_and_a_blind_one_nothing():
    torch.manual_seed(0)
    discriminator = Discriminator(SHAPE, 4, 10, "projection", False)
    x, y = torch.rand(3, *SHAPE), torch.tensor([4, 4, 7])
    features = discriminator.images.features(x)
    by_hand = [
        discriminator.images.logit(f).item()
        + sum(w[c].item() * v.item() for w, v in zip(discriminator.embedding.weight, f))
        for f, c in zip(features, y)
    ]
    assert discriminator(x, y).tolist() == pytest.approx(by_hand, rel=1e-4)
    blind = Discriminator(SHAPE, 4, 10, "blind", False)
    assert torch.equal(blind(x, y), blind(x, torch.zeros(3, dtype=torch.long)))
    assert not torch.equal(discriminator(x, y), discriminator(x, torch.zeros(3, dtype=torch.long)))


def test_both_players_are_told_the_batch_s_y(images):
    """In each update D sees reals and fakes with the y of the reals, and so does the generator."""
    gl.seed_everything(0)
    gan, told = gl.build("cgan", images, width=4, n_critic=2), {"generator": [], "discriminator": []}
    for name in told:
        hook = lambda module, inputs, name=name: told[name].append(inputs[1].clone())  # noqa: E731
        getattr(gan, name).register_forward_pre_hook(hook)
    batches = images.batches(8, labels=True)
    drawn = [next(batches) for _ in range(2)]
    gan.step(iter(drawn))
    first, second = (batch.y for batch in drawn)
    assert torch.equal(told["generator"][0], torch.cat([first, second]))  # the fakes of both updates, in one pass
    assert torch.equal(told["generator"][1], first)
    assert [y.tolist() for y in told["discriminator"]] == [y.tolist() for y in (first, first, second, second, first)]


@pytest.mark.parametrize("objective", [MINIMAX, NON_SATURATING, LEAST_SQUARES, WASSERSTEIN, HINGE])
@pytest.mark.parametrize("settings", [{}, {"penalty": 10.0}, {"penalty": 5.0, "penalty_fn": r1}])
@pytest.mark.parametrize("told", ["planes", "projection"])
def test_every_objective_and_penalty(images, objective, settings, told):
    gan = gl.build("cgan", images, width=4, told=told, objective=objective, **settings)
    logs = gan.step(images.batches(8, labels=True))
    assert ("penalty" in logs) == bool(settings) and all(value.isfinite() for value in logs.values())
    normed = any(isinstance(m, torch.nn.BatchNorm2d) for m in gan.discriminator.modules())
    assert normed == (not settings)


def test_the_penalised_critic_is_given_the_sample_s_y():
    """A critic w_y x has the gradient w_y: the penalty is (|w_y| - 1)^2 of each sample's own y."""
    weights = torch.tensor([0.0, 1.0, 3.0])

    class Critic(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, x, y):
            return self.scale * weights[y] * x[:, 0]

    class Told(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, z, y):
            return self.weight * z

    settings = dict(penalty=1.0, penalty_fn=gradient_penalty, frequencies=torch.ones(3) / 3)
    gan = ConditionalGAN(Told(), Critic(), WASSERSTEIN, 1, **settings)
    y = torch.tensor([0, 1, 2, 2])
    logs = gan.discriminator_step(gl.data.Labelled(torch.rand(4, 1), y))
    assert logs["penalty"].item() == pytest.approx((1 + 0 + 4 + 4) / 4)


def test_what_a_game_remembers_of_its_data(images):
    length, kept = known(images)
    assert length == 10 and kept["frequencies"].tolist() == pytest.approx((images.y.bincount() / 300).tolist())
    length, kept = known(attributes(1000))
    assert length == 7 and kept["examples"].shape == (256, 7) and (kept["examples"].sum(1) == 3).all()
    assert known((1, 8, 8), classes=4)[1]["frequencies"].tolist() == [0.25] * 4
    skewed = gl.Images(images.x[:8], torch.tensor([0, 0, 0, 0, 0, 0, 0, 1]), "skewed")
    gan = gl.build("cgan", skewed, width=4)
    torch.manual_seed(0)
    assert gan.draw_conditions(4000).float().mean().item() == pytest.approx(1 / 8, abs=0.02)


def test_one_seed_is_one_style_whatever_the_class(images):
    """The latents of a seed do not depend on y, nor on how y is given."""
    gan = gl.build("cgan", images, width=4)
    same = [gan.sample(4, seed=1, y=y) for y in (3, torch.tensor(3), [3] * 4, torch.full((4,), 3))]
    assert all(torch.equal(s, same[0]) for s in same)
    seen = []
    gan.generate = lambda z, *told: seen.append(z) or z
    for y in (None, 0, 9):
        gan.sample(4, seed=1, y=y)
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[1], seen[2])


def test_attributes_are_told_as_vectors():
    data = attributes()
    gan = gl.build("cgan", data, width=4)
    wish = torch.tensor([1.0, 0, 0, 1, 0, 0, 1])
    assert torch.equal(gan.sample(3, seed=0, y=wish), gan.sample(3, seed=0, y=wish.expand(3, -1)))
    assert gan.sample(2).shape == (2, 3, 16, 16) and gan.preview(8).shape == (8, 3, 16, 16)
    gan.step(data.batches(8, labels=True))


def test_class_agreement_is_counted_by_hand():
    """A generator that draws a real digit of the class asked for, except that it takes 7 for 1."""
    train, test = (gl.load("mnist5k", split=split) for split in ("train", "test"))
    first = torch.stack([gl.data.to_float(test.x[test.y == c][:1])[0] for c in range(10)])
    said = gl.metrics.digits()(first)[1].argmax(1)
    assert said.tolist() == list(range(10))  # these ten are easy

    class Copier(torch.nn.Module):
        conditional, device = True, torch.device("cpu")

        def sample(self, n, seed=None, y=None):
            y = torch.as_tensor(y).expand(n)
            return first[torch.where(y == 7, 1, y)]

    assert gl.metrics.class_agreement(Copier(), test, n=100) == pytest.approx(0.9)
    reports = gl.metrics.by_class(Copier(), test, held_out=train, n=20)
    assert [r.agreement for r in reports] == [0.0 if c == 7 else 1.0 for c in range(10)]
    assert all(r.spread < 1e-6 and r.classifier > 0.9 for r in reports)  # one picture for all
    assert all(r.fid.value > 3 * r.fid.floor for r in reports) and reports[7].fid.value > 3 * reports[1].fid.value
    assert "7: 0% (reals" in str(reports[7]) and "spread 0.00" in str(reports[7])


def test_reals_have_a_spread_of_one():
    train, test = (gl.load("mnist5k", split=split) for split in ("train", "test"))

    class Real(torch.nn.Module):
        conditional, device = True, torch.device("cpu")

        def sample(self, n, seed=None, y=None):
            return gl.data.to_float(train.x[train.y == y][:n])

    for r in gl.metrics.by_class(Real(), test, held_out=train):
        assert r.spread == pytest.approx(1, abs=0.15) and r.fid.value < 3 * r.fid.floor


def test_a_battle_asks_for_y(images):
    test = gl.load("mnist5k", split="test", size=16).take(200)
    gl.seed_everything(0)
    m1, m2 = (gl.build("cgan", images, width=4) for _ in range(2))
    asked = []
    for m in (m1, m2):
        m.sample = lambda n, seed=None, y=None, m=m: asked.append(y) or type(m).sample(m, n, seed, y)
    battle = gl.metrics.gam(m1, m2, test, n=50, calibrate=0.25)
    assert all(torch.equal(y, asked[0]) and y.shape == (50,) for y in asked[:2])
    # D1 on the fakes of G2 is D1(G2(z, y), y): counted again without the metric
    logits = thresholds.logits(m1, type(m2).sample(m2, 50, 0, asked[0]), asked[0])
    assert battle.errors["D1", "G2"].samples.errors == int((logits > battle.thresholds[0]).sum())
    wrong = thresholds.logits(m1, type(m2).sample(m2, 50, 0, asked[0]), (asked[0] + 1) % 10)
    assert not torch.equal(logits, wrong)
    with pytest.raises(ValueError, match="conditional games battle conditional games, on labelled test images"):
        gl.metrics.gam(m1, gl.build("dcgan", SHAPE, width=4), test, n=50)
    with pytest.raises(ValueError, match="its discriminator asks for the y of samples"):
        gl.metrics.error_rate(m1, test)


def test_bad_input(images):
    gan = gl.build("cgan", images, width=4)
    told = gl.build("cgan", attributes(), width=4)
    unlabelled = gl.Images(images.x, None, "bare")
    for call, sentence in (
        (lambda: gl.build("cgan", SHAPE), "data has no labels: give a set that has y, or classes="),
        (lambda: gl.build("cgan", images, told="loudly"), "told is 'loudly'; it must be planes, projection or blind"),
        (lambda: gl.fit(gan, unlabelled, 1, 8), "bare has no labels; a conditional game needs them"),
        (lambda: gan.sample(0, y=1), "n is 0; it must be at least 1"),
        (lambda: gan.sample(2, y=10), r"y is \[10, 10\]...; it must be classes from 0 to 9"),
        (lambda: gan.sample(2, y=-1), "it must be classes from 0 to 9"),
        (lambda: gan.sample(2, y=1.5), "it must be classes from 0 to 9"),
        (lambda: gan.sample(3, y=[1, 2]), r"y has shape \(2,\); it must be one class, or \(3,\)"),
        (lambda: told.sample(3, y=torch.zeros(3, 6)), r"y has shape \(3, 6\); it must be \(3, 7\)"),
        (lambda: told.sample(3, y=1), r"y has shape \(\); it must be \(3, 7\)"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


def test_generator_joins_z_and_y(images):
    generator = Generator(SHAPE, 4, 6, 10)
    seen = []
    generator.images.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    z = torch.randn(2, 6)
    generator(z, torch.tensor([1, 9]))
    assert torch.equal(seen[0][:, :6], z) and seen[0][:, 6:].argmax(1).tolist() == [1, 9] and seen[0].shape == (2, 16)
