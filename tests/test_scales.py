"""Measures scale by scale: the pyramid adds up, a change is found at its own level, and MS-SSIM is the library's."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

import ganlib as gl
from ganlib.metrics import ms_ssim, scales, sliced_wasserstein


def rows(n, d, seed):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def clothes():
    return gl.data.to_float(gl.load("fashion10k", size=32).x[:400])


def test_features_along_lines_closed_forms():
    x = rows(200, 1, 0)
    assert float(sliced_wasserstein(x, x.flip(0) + 3)[0]) == pytest.approx(3), "on a line: the shift"
    wide = rows(200, 50, 0).float()
    assert float(sliced_wasserstein(wide, wide[torch.randperm(200)])[0]) == pytest.approx(0, abs=1e-5)
    # a shift v costs |<v, direction>|; for directions on the sphere in 3 dimensions the mean is |v| / 2
    x = rows(50, 3, 1)
    (score,) = sliced_wasserstein(x, x + torch.tensor([0.0, 2.0, 0.0]), projections=4000)
    assert abs(score.value - 1) < 4 * score.std < 0.05
    assert sliced_wasserstein(x, -x, seed=1) == sliced_wasserstein(x, -x, seed=1)


def test_the_levels_of_a_pyramid_add_up(clothes):
    levels = scales.laplacian_pyramid(clothes[:5])
    assert [level.shape[-1] for level in levels] == [32, 16, 8]
    whole = levels[-1]
    for level in reversed(levels[:-1]):
        whole = level + scales.enlarged(whole, level.shape[2:])
    assert torch.allclose(whole, clothes[:5], atol=1e-5)
    flat = scales.laplacian_pyramid(torch.full((1, 1, 16, 16), 0.3))
    assert torch.allclose(flat[0], torch.zeros(1, 1, 16, 16), atol=1e-6), "a flat picture has no detail"
    assert torch.allclose(flat[1], torch.full((1, 1, 8, 8), 0.3), atol=1e-6)


def test_patches_are_the_pictures_own_and_normalised_by_channel():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(30, 2, 9, 9, generator=g) * torch.tensor([1.0, 50.0])[:, None, None] + 7
    found = scales.patches(x, 4, g).view(120, 2, 7, 7)
    normal = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    for i in (0, 57, 119):
        places = [normal[i // 4, :, r : r + 7, c : c + 7] for r in range(3) for c in range(3)]
        assert any(torch.allclose(found[i], place, atol=1e-5) for place in places)


def test_a_change_is_found_at_the_level_where_it_is(clothes):
    """Against held-out reals: pictures without their finest detail differ at 32, those shifted in light nowhere."""
    a, b = clothes[:200], clothes[200:]
    floor = [s.value for s in sliced_wasserstein(a, b)]
    soft = [s.value for s in sliced_wasserstein(interpolate(avg_pool2d(a, 2), scale_factor=2, mode="bilinear"), b)]
    assert soft[0] > 2.5 * floor[0] and soft[2] < 1.5 * floor[2]
    light = [s.value for s in sliced_wasserstein(0.5 * a + 0.2, b)]  # each channel's mean and deviation are taken out
    assert light == pytest.approx(floor, rel=1e-3)
    one = [s.value for s in sliced_wasserstein(a[:1].expand(200, -1, -1, -1), b)]
    assert all(collapsed > 2 * real for collapsed, real in zip(one, floor)), "one picture for all"
    assert [s.name[-2:] for s in sliced_wasserstein(a, b)] == ["32", "16", " 8"] and sliced_wasserstein(a, b)[
        0
    ].n == 200


def test_what_cannot_be_compared():
    x = torch.rand(10, 1, 16, 16)
    with pytest.raises(ValueError, match="b has shape"):
        sliced_wasserstein(x, x[:5])
    with pytest.raises(ValueError, match=r"must be images \(N, C, H, W\) of 8 pixels"):
        sliced_wasserstein(x[..., :4], x[..., :4])
    with pytest.raises(ValueError, match="a has 1 values that are NaN"):
        sliced_wasserstein(torch.where(x == x[0, 0, 0, 0], torch.nan, x), x)
    with pytest.raises(ValueError, match="window is 17; it must be from 3 to the pictures' side, 16"):
        ms_ssim(x, window=17)
    with pytest.raises(ValueError, match="N at least 4"):
        ms_ssim(x[:3])


def test_ms_ssim_agrees_with_torchmetrics(monkeypatch):
    """In every scale but the last, where theirs takes pixels that a mirrored border made up into the mean."""
    reference = pytest.importorskip("torchmetrics.functional.image")
    weights = (*scales.WEIGHTS[:4], 0.0)
    monkeypatch.setattr(scales, "WEIGHTS", weights)
    x = torch.rand(1, 3, 176, 176, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = scales.smooth(scales.smooth(x)) * 2 - 1
    y = (x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))).clamp(-1, 1)
    theirs = reference.multiscale_structural_similarity_index_measure(x, y, data_range=2.0, sigma=1.5, betas=weights)
    ours = ms_ssim(x.expand(4, -1, -1, -1), y.expand(4, -1, -1, -1), window=11)
    assert ours.value ** sum(weights) == pytest.approx(theirs.item(), rel=1e-6)


def test_ms_ssim_of_flat_pictures_by_hand():
    """Two scales at 16 pixels, of which the light counts in the second: (2 ab + c) / (a^2 + b^2 + c), weighted."""
    a, b, c = 0.5, 0.1, (0.01 * 2) ** 2
    x = torch.tensor([a, a, b, b])[:, None, None, None].expand(4, 1, 16, 16)
    light = (2 * a * b + c) / (a * a + b * b + c)
    assert ms_ssim(x).value == pytest.approx(light ** (0.2856 / (0.0448 + 0.2856)), rel=1e-6)
    assert ms_ssim(x[:1].expand(6, -1, -1, -1)).value == pytest.approx(1)
