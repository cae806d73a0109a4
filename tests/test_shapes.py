"""3D-GAN and the measures of shapes, on shapes of a few voxels that can be counted by hand."""

import pytest
import torch

import ganlib as gl
from ganlib.metrics.shapes import legs, mirror_symmetry, nearest_iou, overlap, pieces, solid
from ganlib.models.gan3d import Discriminator, Generator


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
