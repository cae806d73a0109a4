"""Progressive growing: the networks of the paper's Table 2, a fade without a step, and each invention by hand."""

import math

import pytest
import torch

import ganlib as gl
from ganlib.models import progan
from ganlib.models.progan import phase

SHAPE = (1, 16, 16)


@pytest.fixture(scope="module")
def clothes():
    return gl.load("fashion10k", size=16).take(200)


def parameters(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def test_the_networks_of_table_2_to_the_unit():
    """At 1024 x 1024, layer by layer as printed: 512 channels up to 32 x 32, then half as many at each level, to 16."""
    with torch.device("meta"):
        gan = gl.build("progan", (3, 1024, 1024), width=16, latent_dim=512)
    g, d = gan.generator, gan.discriminator
    channels = [512, 512, 512, 512, 256, 128, 64, 32, 16]
    wanted = [512 * 512 * 16 + 512 + 512 * 512 * 9 + 512]
    wanted += [(i * o + o * o) * 9 + 2 * o for i, o in zip(channels, channels[1:])]
    assert [parameters(block) for block in g.blocks] == wanted
    assert parameters(g.to_rgb[-1]) == 51 and parameters(d.from_rgb[-1]) == 64 and parameters(d.logit) == 513
    assert parameters(g.blocks[5][2]) == 147_584  # printed as 148k
    back = [513 * 512 * 9 + 512 + 512 * 512 * 16 + 512]  # 513 maps: the standard deviation is one
    back += [(i * i + i * o) * 9 + i + o for o, i in zip(channels, channels[1:])]
    assert [parameters(block) for block in d.blocks] == back
    # of the full networks, with the last level's layer to and from colours: 23.1 million each
    assert round((sum(wanted) + 51) / 1e6, 1) == round((sum(back) + 64 + 513) / 1e6, 1) == 23.1


def test_the_schedule_counts_pictures():
    """Level 0 for 100, then fades of 40 and rests of 100, up to level 2."""
    at = {0: (0, 1.0), 99: (0, 1.0), 100: (1, 0.0), 110: (1, 0.25), 140: (1, 1.0), 239: (1, 1.0), 240: (2, 0.0),
          270: (2, 0.75), 280: (2, 1.0), 380: (2, 1.0), 10_000: (2, 1.0)}  # fmt: skip
    assert {shown: phase(shown, 2, 40, 100) for shown in at} == at
    assert phase(100, 2, 0, 100) == (1, 1.0)  # without a fade


def test_a_game_goes_through_its_schedule(clothes):
    gl.seed_everything(0)
    gan, seen = gl.build("progan", clothes, width=4, latent_dim=8, fade=32, stable=16), []
    batches = clothes.batches(8)
    for _ in range(14):
        seen.append((gan.generator.level, gan.discriminator.alpha))
        gan.step(batches)
    assert seen == [
        (0, 1),
        (0, 1),
        *((1, a / 4) for a in range(4)),
        (1, 1),
        (1, 1),
        *((2, a / 4) for a in range(4)),
        (2, 1),
        (2, 1),
    ]
    assert gan.sample(2, seed=0).shape == (2, *SHAPE)
    whole = gl.build("progan", clothes, width=4, latent_dim=8, grow=False)
    whole.step(batches)
    assert (
        (whole.generator.level, whole.generator.alpha)
        == (whole.discriminator.level, whole.discriminator.alpha)
        == (2, 1)
    )


def test_a_fade_begins_where_the_level_below_ends():
    """At alpha 0 both networks give what they gave before, on pictures twice as large; at 1 what they will give."""
    gl.seed_everything(0)
    gan = gl.build("progan", SHAPE, width=4, latent_dim=8)
    z, x = torch.randn(3, 8), torch.randn(3, 1, 8, 8)
    g, d = gan.generator, gan.discriminator

    def at(level, alpha, *inputs):
        for player in (g, d):
            player.grow(level, alpha)
        return [player(i) for player, i in zip((g, d), inputs)]

    (eight, judged), (begun, same), (ended, _) = (
        at(1, 1.0, z, x), at(2, 0.0, z, progan.twice(x)), at(2, 1.0, z, progan.twice(x))
    )  # fmt: skip
    assert torch.allclose(begun, progan.twice(eight), atol=1e-6) and torch.allclose(same, judged, atol=1e-6)
    quarter, _ = at(2, 0.25, z, progan.twice(x))
    assert torch.allclose(quarter, torch.lerp(begun, ended, 0.25), atol=1e-6)
    assert not torch.allclose(begun, ended, atol=1e-2)


def test_reals_are_faded_as_fakes_are(clothes):
    gan = gl.build("progan", clothes, width=4, latent_dim=8, fade=40, stable=10)
    x = next(clothes.batches(8))
    gan.set_extra_state(torch.tensor(0))
    assert torch.allclose(gan.lowered(x), x.unflatten(2, (4, 4)).unflatten(4, (4, 4)).mean((3, 5)), atol=1e-6)
    gan.set_extra_state(torch.tensor(10 + 10))  # a quarter into level 1, of 8 x 8
    eight = x.unflatten(2, (8, 2)).unflatten(4, (8, 2)).mean((3, 5))
    four = eight.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5)).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(gan.lowered(x), 0.25 * eight + 0.75 * four, atol=1e-6)
    gan.set_extra_state(torch.tensor(10_000))
    assert torch.equal(gan.lowered(x), x)


def test_equalised_weights_are_he_s_when_they_are_used():
    gl.seed_everything(0)
    equal = progan.Convolution(64, 64, 3, 1, equalised=True)
    plain = progan.Convolution(64, 64, 3, 1, equalised=False)
    he = math.sqrt(2 / (64 * 9))
    assert equal.weight.std().item() == pytest.approx(1, abs=0.02) and plain.weight.std().item() == pytest.approx(
        he, rel=0.02
    )
    with torch.no_grad():
        plain.weight.copy_(equal.weight * he)
    x = torch.randn(2, 64, 8, 8)
    assert torch.allclose(equal(x), plain(x), atol=1e-5)
    # one step of Adam moves every weight by its rate: of the function, that is a share that is equal in all layers
    for layer in (equal, plain):
        optimizer, before = (
            torch.optim.Adam(layer.parameters(), lr=1e-3, betas=(0.0, 0.99)),
            layer.weight.detach().clone(),
        )
        layer(x).square().mean().backward()
        optimizer.step()
        moved = ((layer.weight - before).abs().mean() / before.std()).item()
        assert moved == pytest.approx(1e-3 if layer is equal else 1e-3 / he, rel=0.05)


def test_pixel_norm_and_stddev_by_hand():
    x = torch.tensor([[[[3.0]], [[4.0]]]])
    assert progan.PixelNorm()(x).flatten().tolist() == pytest.approx([3 / math.sqrt(12.5), 4 / math.sqrt(12.5)])
    h = torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])[:, :, None, None].expand(3, 2, 4, 4)
    out = progan.MinibatchStddev()(h)
    assert out.shape == (3, 3, 4, 4) and torch.equal(out[:, :2], h)
    spread = (math.sqrt(8 / 3 + 1e-8) + 1e-4) / 2  # of 0, 2, 4 and of 1, 1, 1
    assert torch.allclose(out[:, 2], torch.full((3, 4, 4), spread))


def test_stddev_has_second_derivatives_where_nothing_varies():
    gl.seed_everything(0)
    gan = gl.build("progan", SHAPE, width=4, latent_dim=8, grow=False)
    x = torch.zeros(4, *SHAPE)
    penalty = gl.objectives.r1(gan.critic, x, x).mean()
    gradients = torch.autograd.grad(penalty, list(gan.discriminator.parameters()), allow_unused=True)
    assert all(g.isfinite().all() for g in gradients if g is not None)


def test_a_batch_of_one_picture_is_told_from_a_varied_one():
    """Without the map a discriminator judges each picture by itself; with it, it can tell."""
    gl.seed_everything(0)
    x = torch.randn(6, *SHAPE)
    for variation in ("stddev", "discrimination", None):
        d = gl.build("progan", SHAPE, width=4, latent_dim=8, grow=False, variation=variation).discriminator
        alone = d(x[:1].expand(6, -1, -1, -1))[0]
        assert torch.isclose(alone, d(x)[0], atol=1e-6).item() == (variation is None)


def test_minibatch_discrimination_by_hand():
    """Two kernels of one dimension: M is (0, 0), (1, 3); a picture is as near to itself as exp(0)."""
    layer = progan.MinibatchDiscrimination(features=1, kernels=2, dim=1)
    with torch.no_grad():
        layer.T.copy_(torch.tensor([[[1.0], [3.0]]]))
    out = layer(torch.tensor([0.0, 1.0])[:, None, None, None])
    near = [1 + math.exp(-1), 1 + math.exp(-3)]
    assert out.shape == (2, 3, 1, 1) and out[:, 0].flatten().tolist() == [0, 1]
    assert torch.allclose(out[:, 1:].flatten(1), torch.tensor([near, near]))


def test_norms_are_where_the_rows_of_table_1_have_them():
    kinds = {norm: gl.build("progan", SHAPE, width=4, latent_dim=8, norm=norm) for norm in ("batch", "pixel", None)}
    counted = {
        norm: [
            sum(isinstance(m, kind) for m in player.modules())
            for player in (gan.generator, gan.discriminator)
            for kind in (torch.nn.BatchNorm2d, torch.nn.GroupNorm, progan.PixelNorm)
        ]
        for norm, gan in kinds.items()
    }
    # six layers in each player's blocks, and z is normalised too
    assert counted == {"batch": [6, 0, 0, 0, 6, 0], "pixel": [0, 0, 7, 0, 0, 0], None: [0] * 6}
    x = torch.randn(3, 8, 8, 8)
    assert torch.allclose(kinds["batch"].discriminator.blocks[1][0][1](x).mean((1, 2, 3)), torch.zeros(3), atol=1e-6)


def test_what_cannot_grow():
    for shape in ((1, 28, 28), (3, 16, 8), (1, 4, 4)):
        with pytest.raises(ValueError, match="H and W must be equal, a power of two and at least 8"):
            gl.build("progan", shape)
    with pytest.raises(ValueError, match="loss is 'hinge'; it must be wgan_gp or r1"):
        gl.build("progan", SHAPE, loss="hinge")
    with pytest.raises(ValueError, match="variation is 'std'; it must be stddev, discrimination or None"):
        gl.build("progan", SHAPE, variation="std")
    with pytest.raises(ValueError, match="norm is 'layer'; it must be pixel, batch or None"):
        gl.build("progan", SHAPE, norm="layer")
    with pytest.raises(ValueError, match="level is 3; it must be from 0 to 2"):
        gl.build("progan", SHAPE, width=4, latent_dim=8).generator.grow(3)
    with pytest.raises(ValueError, match="alpha is 1.5; it must be from 0 to 1"):
        gl.build("progan", SHAPE, width=4, latent_dim=8).discriminator.grow(2, 1.5)
    with pytest.raises(ValueError, match="stable is 0; it must be at least 1"):
        gl.build("progan", SHAPE, stable=0)
    gan = gl.build("progan", SHAPE, width=4, latent_dim=8, loss="wgan_gp")
    assert gan.penalty == 10 and gan.objective is gl.objectives.WASSERSTEIN
