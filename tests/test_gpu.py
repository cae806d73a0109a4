"""What ``make cuda`` compares, on the device that every machine has."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import gpu

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["lens", "discogan", "seqgan"])
def test_ten_steps_are_the_same_on_the_same_device(name):
    draws = torch.rand, torch.randn_like
    one, again = (gpu.after_ten_steps(name, CPU) for _ in range(2))
    assert gpu.farthest(one, again) == 0 and all(value.dtype == torch.float64 for value in one.values())
    assert (torch.rand, torch.randn_like) == draws and torch.get_default_dtype() == torch.float32
    start = gpu.build(name, gpu.data_of(name)).state_dict()
    assert any(not torch.equal(one[key].float(), start[key].float()) for key in one)


def test_the_largest_difference_counts():
    a = {"w": torch.tensor([1.0, 2.0]), "b": torch.tensor([0.0])}
    assert gpu.farthest(a, {"w": torch.tensor([1.0, 2.5]), "b": torch.tensor([-0.25])}) == 0.5


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_one_line(capsys):
    gpu.main()
    assert capsys.readouterr().out == "no GPU is at hand: nothing was run\n"
