"""3D-GAN and the measures of shapes, on shapes of a few voxels that can be counted by hand."""

import math
import time

import pytest
import torch

import ganlib as gl
from ganlib.metrics.shapes import legs, mirror_symmetry, nearest_iou, overlap, pieces, solid
from ganlib.models import prgan, projections
from ganlib.models.gan3d import Discriminator, Generator
from ganlib.models.prgan import projection
from ganlib.pictures import composed, render, turned


def blocks(*boxes, side=4):
    """One shape from boxes ((x0, x1), (y0, y1), (z0, z1)), as a sample in [-1, 1]."""
    shape = -torch.ones(1, 1, side, side, side)
    for (x0, x1), (y0, y1), (z0, z1) in boxes:
        shape[0, 0, x0:x1, y0:y1, z0:z1] = 1
    return shape


TABLE = blocks(((0, 4), (0, 4), (2, 3)), *[((x, x + 1), (y, y + 1), (0, 2)) for x in (0, 3) for y in (0, 3)])
CORNERS = blocks(((0, 1), (0, 1), (0, 1)), ((1, 2), (1, 2), (0, 1)))  # they share an edge, no face
EMPTY = blocks()


def test_pieces_share_faces():
    shapes = torch.cat([TABLE, CORNERS, EMPTY])
    assert pieces(shapes).tolist() == [1, 2, 0]
    speck = blocks(((0, 3), (0, 3), (0, 1)), ((3, 4), (3, 4), (3, 4)))
    assert pieces(speck).tolist() == [2] and pieces(speck, specks=1).tolist() == [1]


def test_legs_are_the_feet_of_the_lowest_layer():
    standing = torch.cat([TABLE, TABLE.roll(1, dims=4), CORNERS, EMPTY])  # the second hangs a voxel higher
    assert legs(standing).tolist() == [4, 4, 2, 0]


def test_overlap_is_intersection_over_union():
    a = solid(torch.cat([blocks(((0, 2), (0, 1), (0, 1))), EMPTY]))
    b = solid(torch.cat([blocks(((1, 4), (0, 1), (0, 1))), blocks(((0, 2), (0, 1), (0, 1))), EMPTY]))
    assert overlap(a, b).tolist() == [[0.25, 1.0, 0.0], [0.0, 0.0, 1.0]]


def test_mirror_symmetry_is_in_x():
    half = blocks(((0, 3), (0, 1), (0, 1)))  # voxels 0 1 2; mirrored 1 2 3: two in common of four
    assert mirror_symmetry(torch.cat([TABLE, half, EMPTY])).tolist() == [1.0, 0.5, 1.0]
    turned = blocks(((1, 3), (0, 3), (0, 1)))  # lopsided in y only
    assert mirror_symmetry(turned).tolist() == [1.0]


def test_nearest_shape_and_its_floor():
    train, test = (gl.load("chairs", split=split).take(40) for split in ("train", "test"))
    values, index = nearest_iou(train, train)
    assert (values == 1).all() and index.tolist() == list(range(40))
    fresh, _ = nearest_iou(test, train)
    noise, _ = nearest_iou(torch.randn(40, 1, 16, 16, 16), train)
    assert fresh.mean() > 2 * noise.mean()
    with pytest.raises(ValueError, match="shapes has 4 voxels a side and reference 16; it must be the same number"):
        nearest_iou(TABLE, train)
    with pytest.raises(ValueError, match=r"shapes has shape \(1, 4, 4\); it must be \(N, 1, D, D, D\)"):
        pieces(TABLE[0, 0, :1])


def test_networks_double_and_halve_the_side():
    generator, discriminator = Generator((1, 16, 16, 16), 8, 5), Discriminator((1, 16, 16, 16), 8)
    assert generator(torch.zeros(2, 5)).shape == (2, 1, 16, 16, 16)
    assert [tuple(m.shape[1:]) for m in discriminator.maps(torch.zeros(2, 1, 16, 16, 16))] == [
        (8, 8, 8, 8),
        (16, 4, 4, 4),
    ]
    assert discriminator.features(torch.zeros(2, 1, 16, 16, 16)).shape == (2, (8 + 16) * 64)


@pytest.mark.parametrize("rule, accuracy, rests", [(0.8, 1.0, True), (0.8, 0.5, False), (None, 1.0, False)])
def test_d_rests_where_it_is_right_too_often(rule, accuracy, rests):
    gl.seed_everything(0)
    gan = gl.build("gan3d", (1, 8, 8, 8), width=4, rule=rule, d_lr=1e-2)
    judge, answers = gan.discriminator.forward, iter([1.0, -1.0 if accuracy == 1 else 1.0])
    gan.discriminator.forward = lambda x: judge(x) * 0.01 + 10 * next(answers)  # reals, then fakes
    before = [p.detach().clone() for p in gan.discriminator.parameters()]
    logs = gan.discriminator_step(torch.rand(6, 1, 8, 8, 8))
    same = all(torch.equal(a, b) for a, b in zip(before, gan.discriminator.parameters()))
    assert logs["d_accuracy"].item() == accuracy and same == rests


def test_bad_input():
    for call, sentence in (
        (lambda: gl.build("gan3d", (1, 16, 16)), r"shape is \(1, 16, 16\); it must be \(1, D, D, D\), of voxels"),
        (lambda: gl.build("gan3d", (1, 16, 16, 8)), "it must be"),
        (lambda: gl.build("gan3d", (1, 8, 8, 8), rule=0), r"rule is 0; it must be an accuracy in \(0, 1\], or None"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


# views of shapes


def test_turned_by_a_quarter_is_rot90_and_by_nothing_the_same():
    x = gl.load("chairs").take(3).x.float()
    still, quarter = torch.zeros(3), torch.full((3,), math.pi / 2)
    assert torch.allclose(turned(x, still), x, atol=1e-5)
    # the camera goes round to the right, so what was on the right comes to the front
    assert torch.allclose(turned(x, quarter), x.rot90(-1, (2, 3)), atol=1e-4)
    above = turned(x, still, quarter)  # from above, what was on top is in front, and the back is up
    assert torch.allclose(above, x.flip(4).transpose(3, 4), atol=1e-4)
    assert turned(x, still, size=8).shape == (3, 1, 8, 16, 8)


@pytest.mark.parametrize("turn, tilt", [(0.0, 0.0), (90.0, 0.0), (30.0, 25.0), (200.0, 50.0)])
def test_turned_sees_what_render_sees(turn, tilt):
    """A solid in the middle, at two voxels a pixel: the same outline, but for its rim."""
    x = torch.zeros(1, 1, 16, 16, 16)
    x[..., 5:11, 4:12, 4:10] = 1
    x[..., 5:7, 4:6, 10:13] = 1  # a chimney, so that no turn is like another
    angles = (torch.tensor([math.radians(a)]) for a in (turn, tilt))
    ours = projection((turned(x, *angles) > 0.5).float(), 100.0) > 0.5
    scale = max(math.sqrt(2), math.sqrt(2) * math.sin(math.radians(tilt)) + math.cos(math.radians(tilt)))
    fine = round(16 * scale * 4)
    drawn = render(x, turn, tilt, size=fine, smooth=1) < 0.99
    cut = (fine - 64) // 2
    theirs = torch.nn.functional.avg_pool2d(drawn[..., cut : cut + 64, cut : cut + 64].float(), 4) > 0.5
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.85
    assert (ours & theirs.flip(3)).sum() / (ours | theirs.flip(3)).sum() < 0.85 or turn in (0.0, 90.0)


def test_projection_is_the_papers_formula():
    v = torch.rand(2, 1, 3, 4, 5, dtype=torch.float64)
    p = projection(v, density=0.7)
    assert p.shape == (2, 1, 5, 3)
    right = 1 - math.exp(-0.7 * sum(v[1, 0, 2, k, 4].item() for k in range(4)))
    assert abs(p[1, 0, 0, 2].item() - right) < 1e-12  # x = 2 is the third column, z = 4 the top row
    assert torch.autograd.gradcheck(lambda v: projection(v, 0.7), v.requires_grad_())


def test_gradients_go_through_a_turn():
    x = torch.rand(1, 1, 4, 4, 4, dtype=torch.float64, requires_grad=True)
    angle = torch.tensor([0.4], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: projection(turned(x, angle, angle / 2), 1.0), x)


def test_a_ray_adds_what_the_voxels_before_let_through():
    solid = torch.zeros(1, 4, 1, 2, 1, dtype=torch.float64)  # two voxels, one behind the other
    solid[0, :, 0, 0, 0] = torch.tensor([0.25, 1.0, 0.0, 0.5])
    solid[0, :, 0, 1, 0] = torch.tensor([0.5, 0.0, 1.0, 0.5])
    picture = composed(solid, ground=1.0).flatten()
    rest = 0.75 * 0.5
    right = [0.25 + rest, 0.75 * 0.5 + rest, 0.25 * 0.5 + 0.75 * 0.5 * 0.5 + rest]
    assert torch.allclose(picture, torch.tensor(right, dtype=torch.float64), rtol=1e-12)
    assert torch.autograd.gradcheck(composed, torch.rand(1, 4, 2, 3, 2, dtype=torch.float64, requires_grad=True))


def test_silhouettes_show_their_chair():
    silhouettes, chairs = gl.load("silhouettes"), gl.load("chairs")
    assert len(silhouettes) == len(chairs) and set(silhouettes.x.unique().tolist()) == {0, 255}
    for view, quarter in ((0, 0), (2, 1), (4, 2), (6, 3)):
        there = silhouettes.y == view
        seen = chairs.x[there].rot90(-quarter, (2, 3)).amax(3).transpose(2, 3).flip(2)
        assert torch.equal(silhouettes.x[there] // 255, seen)
    assert silhouettes.y.bincount().min() > 400


def test_the_scene_is_seen_from_other_sides_in_its_test():
    train, test = gl.load("scene"), gl.load("scene", split="test")
    assert train.shape == (3, 32, 32) and len(train) == len(test) == 24
    assert not {tuple(c) for c in train.y.tolist()} & {tuple(c) for c in test.y.tolist()}
    assert [tuple(c) for c in train.y[:2].tolist()] == [(0.0, 10.0), (45.0, 10.0)]


def test_furniture():
    furniture = gl.load("furniture")
    assert furniture.shape == (1, 32, 32, 32) and len(furniture.captions) == len(furniture.y) == len(furniture)
    assert furniture.y.bincount().tolist() == [90, 50, 16, 34, 21]
    lamp = furniture.captions.index("desk lamp")
    assert furniture.classes[furniture.y[lamp]] == "lamp"  # though it has a desk in its name
    assert furniture.x[..., 0].flatten(1).any(1).all()  # each stands on the floor
    sides = torch.stack([furniture.x.amax(other).flatten(1).sum(1) for other in ((3, 4), (2, 4), (2, 3))])
    assert sides.max() == 30  # none is larger; hollow ones may have gaps in an axis, hence no equality for each


def test_drawing_32_shapes_takes_less_than_a_second():
    x = gl.load("chairs").x[:32]
    render(x)  # where each ray goes is computed once
    start = time.perf_counter()
    render(x)
    assert time.perf_counter() - start < 1


# PrGAN


def test_the_view_is_the_last_number_of_z():
    gl.seed_everything(0)
    gan = gl.build("prgan", (1, 16, 16), width=4, latent_dim=9)
    z = torch.randn(1, 9).expand(8, 9).clone()
    z[:, -1] = torch.special.ndtri((torch.arange(8) + 0.5) / 8)  # the middle of each eighth
    made = gan.generate(z)
    voxels = (gan.generator.eval().shape(z[:, :-1]) + 1) / 2
    for k in range(8):
        one = projection(turned(voxels[k : k + 1], torch.tensor([k * math.pi / 4])), gan.generator.density)
        assert torch.allclose(made[k : k + 1], 2 * one - 1, atol=1e-6)
        told = gan.generator(z[k : k + 1], torch.tensor([k]))
        assert torch.allclose(told, made[k : k + 1], atol=1e-6)


def test_shapes_are_those_whose_silhouettes_are_sampled():
    gl.seed_everything(0)
    gan = gl.build("prgan", (1, 16, 16), width=4, latent_dim=9, views=1)
    voxels, before = prgan.shapes(gan, 5, seed=3), torch.get_rng_state()
    assert voxels.shape == (5, 1, 16, 16, 16)
    seen = 2 * projection((voxels + 1) / 2, gan.generator.density) - 1
    assert torch.allclose(seen, gan.sample(5, seed=3), atol=1e-5)
    assert torch.equal(before, torch.get_rng_state())


def test_posed_players_are_told_the_view():
    data = gl.load("silhouettes").take(64)
    gl.seed_everything(0)
    gan = gl.build("prgan", data, posed=True, width=4, latent_dim=9)
    assert gan.conditional and not torch.equal(gan.sample(4, seed=0, y=0), gan.sample(4, seed=0, y=2))
    gl.fit(gan, data, 2, 16)


# a scene


def test_regression_finds_a_scene_and_its_discriminator_rests():
    train, test = gl.load("scene", size=16), gl.load("scene", size=16, split="test")
    want = test.x / 127.5 - 1
    gl.seed_everything(0)
    gan = gl.build("scene3d", train, adversarial=0, side=16, width=4)
    before = [p.clone() for p in gan.discriminator.parameters()]
    first = (gan.sample(24, y=test.y) - want).abs().mean()
    gl.fit(gan, train, 150, 8)
    last = (gan.sample(24, y=test.y) - want).abs().mean()
    nearest = torch.stack([(w - (train.x / 127.5 - 1)).abs().mean((1, 2, 3)).min() for w in want]).mean()
    assert last < first / 4 and last < nearest / 2  # better than the best of the pictures that it saw
    assert all(torch.equal(a, b) for a, b in zip(before, gan.discriminator.parameters()))


def test_both_terms_of_a_scene_have_their_weights():
    train = gl.load("scene", size=16)
    batch = gl.data.Labelled(train.x[:4] / 127.5 - 1, train.y[:4])
    losses = {}
    for weights in ((0.0, 1.0), (0.0, 3.0), (2.0, 3.0), (2.0, 0.0)):
        gl.seed_everything(0)
        gan = gl.build("scene3d", train, adversarial=weights[0], pixels=weights[1], width=4)
        losses[weights] = gan.generator_step(batch)["g_loss"].item()
    assert losses[0.0, 3.0] == pytest.approx(3 * losses[0.0, 1.0], rel=1e-6)
    assert losses[2.0, 3.0] == pytest.approx(losses[0.0, 3.0] + losses[2.0, 0.0], rel=1e-5)


# random projections


def test_projections_are_fixed_kernels_of_length_1():
    gl.seed_everything(0)
    gan = gl.build("projections", (3, 16, 16), width=4, k=5)
    kernels = gan.discriminator.kernels
    assert kernels.shape == (5, 3, 8, 8) and torch.allclose(kernels.flatten(1).norm(dim=1), torch.ones(5))
    assert not any(p is kernels for p in gan.parameters())
    x = torch.randn(2, 3, 16, 16)
    right = torch.nn.functional.conv2d(x, kernels[3:4], stride=2, padding=3)
    assert torch.allclose(gan.discriminator.project(x)[:, 3:4], right, atol=1e-6) and right.shape[2:] == (8, 8)


def test_each_discriminator_sees_its_own_projection():
    gl.seed_everything(0)
    gan = gl.build("projections", (1, 16, 16), width=4, k=4)
    x = torch.randn(6, 1, 16, 16)
    before = gan.discriminator.each(x)
    gan.discriminator.kernels[2] += 1
    moved = (gan.discriminator.each(x) != before).all(0)
    assert moved.tolist() == [False, False, True, False]
    assert torch.allclose(gan.discriminator(x), gan.discriminator.each(x).mean(1))


def test_each_discriminator_is_a_dcgan_s_of_grey_pictures():
    """The groups of one network, taken apart: strided convolutions and LeakyReLU with slope 0.2, then the logit."""
    gl.seed_everything(0)
    d = gl.build("projections", (1, 16, 16), width=4, k=3).discriminator
    x, convolutions = torch.randn(5, 1, 16, 16), [m for m in d.layers if isinstance(m, torch.nn.Conv2d)]
    for k in range(3):
        h = d.project(x)[:, k : k + 1]
        for i, m in enumerate(convolutions):
            weight, bias = m.weight.chunk(3)[k], m.bias.chunk(3)[k]
            h = torch.nn.functional.conv2d(h, weight, bias, m.stride, m.padding)
            h = h if i == len(convolutions) - 1 else torch.where(h > 0, h, 0.2 * h)
        assert h.shape == (5, 1, 1, 1) and torch.allclose(h.flatten(), d.each(x)[:, k], atol=1e-6)


def test_one_discriminator_of_many_learns_as_it_would_alone():
    """The gradient of D_k comes from its own loss alone, divided by K."""
    gl.seed_everything(0)
    gan = gl.build("projections", (1, 16, 16), width=4, k=3)
    x, fake = torch.randn(2, 6, 1, 16, 16)
    loss = gan.objective.d_loss(gan.critic(x), gan.critic(fake))
    assert loss.shape == (6, 3)
    first = gan.discriminator.layers[0].weight
    (whole,) = torch.autograd.grad(loss.mean(), first, retain_graph=True)
    (own,) = torch.autograd.grad(loss[:, 1].mean() / 3, first)
    assert torch.allclose(own[4:8], whole[4:8], atol=1e-7) and own[:4].abs().max() == own[8:].abs().max() == 0


def test_the_gradient_through_projections_against_finite_differences():
    torch.set_default_dtype(torch.float64)
    try:
        gl.seed_everything(0)
        d = projections.Projected((1, 16, 16), 2, 2)
        x = torch.randn(1, 1, 16, 16, requires_grad=True)
        assert torch.autograd.gradcheck(d.each, x)
    finally:
        torch.set_default_dtype(torch.float32)
