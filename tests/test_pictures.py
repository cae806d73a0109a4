"""Sheets of samples, and solid voxels seen from one side."""

import time

import numpy as np
import pytest
import torch

from ganlib.data import to_float
from ganlib.pictures import render, tile


def test_tile_puts_pictures_row_by_row_on_white():
    images = torch.stack([torch.full((3, 2, 2), value) for value in (-1.0, 0.0, 1.0)])
    sheet = tile(images, columns=2)
    assert sheet.shape == (5, 5, 3)
    assert (sheet[:2, :2] == 0).all() and (sheet[:2, 3:] == 0.5).all() and (sheet[:, 2] == 1).all()
    assert (sheet[3:, 3:] == 1).all()  # where there is no fourth
    with_two = tile(torch.stack([torch.zeros(2, 2), torch.ones(2, 2)])[None], columns=2)
    assert with_two.shape == (2, 5, 1) and (with_two[:, :2] == 0.5).all()  # channels side by side


def test_bytes_are_drawn_as_to_float_would_have_them():
    x = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    np.testing.assert_allclose(tile(x, columns=1)[..., 0], np.arange(256).reshape(16, 16) / 255, atol=1e-6)
    np.testing.assert_allclose(tile(x), tile(to_float(x)), atol=1e-6)
    np.testing.assert_allclose(tile(x.numpy()), tile(x))


def test_images_in_0_to_1_get_a_warning():
    with pytest.warns(UserWarning, match="none of 8 images has a pixel below 0"):
        tile(torch.rand(8, 1, 4, 4))


@pytest.mark.parametrize(
    "images",
    [torch.zeros(2, 4, 4), torch.zeros(2, 1, 4, 4, dtype=torch.int64), torch.zeros(0, 1, 4, 4), torch.ones(2, 2) > 0],
)
def test_what_is_no_picture(images):
    with pytest.raises(ValueError, match=r"images is torch.*; it must be float in \[-1, 1\] or uint8, \(N, C, H, W\)"):
        tile(images)


def grid(*cells, d=4):
    voxels = torch.zeros(1, 1, d, d, d)
    for cell in cells:
        voxels[0, 0, *cell] = 1
    return voxels


def place(picture):
    """Where the dark part of a picture is: its mean column and row, from 0 to 1."""
    rows, columns = (picture[0, 0] < 1).nonzero(as_tuple=True)
    return columns.float().mean() / picture.shape[-1], rows.float().mean() / picture.shape[-2]


def test_right_is_x_and_up_is_the_last_axis():
    left, right = (place(render(grid((x, 1, 1)), turn=0, tilt=0)) for x in (0, 3))
    assert left[0] < 0.4 and right[0] > 0.6 and left[1] == right[1]
    low, high = (place(render(grid((1, 1, z)), turn=0, tilt=0)) for z in (0, 3))
    assert high[1] < 0.4 and low[1] > 0.6 and low[0] == high[0]
    near, far = (place(render(grid((1, y, 1)), turn=0, tilt=45)) for y in (0, 3))
    assert far[1] < near[1]  # from above, what is farther away stands higher in the picture
    before, after = (place(render(grid((1, 0, 1)), turn=turn, tilt=0)) for turn in (0, 30))
    assert after[0] < before[0]  # the camera goes to the right, so the front goes to the left


def test_the_nearer_voxel_hides_the_farther():
    front, both, back = (render(grid(*cells), 0, 0) for cells in ([(1, 0, 1)], [(1, 0, 1), (1, 3, 1)], [(1, 3, 1)]))
    assert torch.equal(front, both) and not torch.equal(back, both)
    assert front.min() > back.min()  # what is farther away is darker


def test_each_layer_is_darker_by_the_same_amount():
    """The light falls by 30 % from the front of the ball that a turning grid fills to its back, evenly."""
    shades = [(render(grid((1, y, 1)), turn=0, tilt=0).min().item() + 1) / 2 for y in range(4)]
    steps = [a - b for a, b in zip(shades, shades[1:])]
    assert steps == pytest.approx([steps[0]] * 3, abs=1e-6) and steps[0] > 0
    # 1 - 0.3 (1/2 + c / 2 half), where c runs from -2 to 2 cells, and half is sqrt(2) times 2 cells
    front = shades[0] / (1 - 0.3 * (0.5 - 2 / (2 * 2 * 2**0.5)))
    assert steps[0] / front == pytest.approx(0.3 / (2 * 2 * 2**0.5), rel=1e-4)


def test_a_full_grid_shows_three_faces_of_the_right_size():
    picture = render(torch.ones(1, 1, 8, 8, 8), turn=0, tilt=0, size=90, smooth=1)[0, 0]
    inside = (picture < 1).float().mean().item()
    assert inside == pytest.approx(1 / 2, abs=0.02)  # a square of side D in a picture of side sqrt(2) D
    above = render(torch.ones(1, 1, 8, 8, 8), turn=0, tilt=90, size=90, smooth=1)[0, 0]
    assert (above < 1).float().mean().item() == pytest.approx(1 / 2, abs=0.02)
    assert above.min() > picture.min()  # light comes from above
    corner = render(torch.ones(1, 1, 8, 8, 8), turn=30, tilt=25, size=90, smooth=1)[0, 0]
    a, b = np.radians(30), np.radians(25)
    area = np.cos(b) * (np.cos(a) + np.sin(a)) + np.sin(b)  # of the cube's shadow, in faces
    half = max(np.sqrt(2), np.sqrt(2) * np.sin(b) + np.cos(b))
    assert (corner < 1).float().mean().item() == pytest.approx(area / half**2, abs=0.02)


def test_filled_is_above_zero_in_any_type():
    bits = (torch.rand(3, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.2).to(torch.uint8)
    wanted = render(bits)
    assert wanted.shape == (3, 1, 64, 64) and wanted.dtype == torch.float32 and wanted.max() == 1
    for same in (bits.float() * 2 - 1, bits.bool(), bits.double(), bits[:, 0].numpy()):
        assert torch.equal(render(same), wanted)
    assert (render(torch.zeros(1, 1, 8, 8, 8)) == 1).all()
    with pytest.raises(ValueError, match=r"voxels has shape \(3, 1, 8, 8, 4\); it must be \(N, 1, D, D, D\)"):
        render(bits[..., :4])


def test_ten_shapes_take_less_than_a_second():
    voxels = torch.rand(10, 1, 32, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.9
    clock = time.perf_counter()
    render(voxels)
    assert time.perf_counter() - clock < 1
