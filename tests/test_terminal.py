"""Runs from a terminal: a folder each, that goes on by itself and can be measured."""

import csv
import json

import pytest
import torch

import ganlib as gl
from ganlib.__main__ import main, trained

SMALL = ["--batch", "16", "--size", "16", "--every", "4", "--set", "width=8"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    main(["train", "vanilla", "--out", str(folder / "a"), "--steps", "6", *SMALL])
    main(["train", "vanilla", "--out", str(folder / "a"), "--steps", "10", *SMALL])  # goes on
    main(["train", "vanilla", "--out", str(folder / "b"), "--steps", "10", "--ema", "0.9", *SMALL, "lr=1e-3"])
    return folder


def test_a_run_is_fit(runs):
    images = gl.load("mnist5k", size=16)
    gl.seed_everything(0)
    gan = gl.build("vanilla", images.shape, width=8)
    history = gl.fit(gan, images, 10, 16, every=4)
    ours, _ = trained(runs / "a")
    assert all(torch.equal(p, q) for p, q in zip(ours.parameters(), gan.parameters()))
    rows = list(csv.DictReader(open(runs / "a" / "history.csv")))
    assert [int(row["step"]) for row in rows] == [4, 8, 10]
    assert [float(row["d_loss"]) for row in rows] == history["d_loss"]


def test_its_folder(runs):
    assert sorted(path.name for path in (runs / "a").iterdir()) == [
        "checkpoint.pt", "history.csv", "run.json", "samples",
    ]  # fmt: skip
    assert {"0000004.png", "0000006.png", "0000008.png", "0000010.png"} <= {
        path.name for path in (runs / "a" / "samples").iterdir()
    }
    run = json.loads((runs / "b" / "run.json").read_text())
    assert run["settings"] == {"width": 8, "lr": 0.001} and run["ema"] == 0.9


def test_fid_and_battle(runs, capsys):
    main(["fid", str(runs / "b"), "--n", "100"])
    gan, test = trained(runs / "b")
    assert gan.averaged is not None and f"FID {gl.metrics.fid(gan, test, n=100).value:.1f}" in capsys.readouterr().out
    main(["battle", str(runs / "a"), str(runs / "a"), "--n", "100"])
    assert capsys.readouterr().out.startswith("tie")  # a run against itself
    main(["battle", str(runs / "a"), str(runs / "b"), "--n", "100", "--calibrate", "0.25"])
    assert "calibrated to miss 25.0% of other test images" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["train", "vanilla", "--steps", "12", *SMALL, "lr=1e-2", "--out", "a"], "a holds a run with settings = "),
        (
            ["train", "vanilla", "--steps", "12", *SMALL, "--seed", "3", "--out", "a"],
            "with seed = 0, not 3; give anoth",
        ),
        (["fid", "nothing"], "there is no run.json in it"),
        (["train", "vanilla", *SMALL, "widht=9", "--out", "new"], "--set is .*: .*unexpected keyword argument 'widht'"),
        (
            ["train", "vanilla", *SMALL, "--batch", "4001", "--out", "new"],
            "batch_size is 4001; mnist5k has 4000 images",
        ),
        (["train", "vanilla", *SMALL, "--every", "0", "--out", "new"], "every is 0; it must be at least 1"),
        (["train", "vanilla", *SMALL, "--steps", "0", "--out", "new"], "steps is 0; it must be at least 1"),
    ],
)
def test_bad_input(arguments, sentence, runs, monkeypatch):
    monkeypatch.chdir(runs)
    with pytest.raises(ValueError, match=sentence):
        main(arguments)
    assert not (runs / "new").exists()  # a mistake leaves nothing that the corrected command would stumble over


def test_settings_add_up_and_a_pair_of_numbers_goes_on(tmp_path):
    arguments = ["train", "wgan_gp", "--out", str(tmp_path), *SMALL, "--set", "n_critic=2", "betas=(0.0,0.9)"]
    main([*arguments, "--steps", "2"])
    main([*arguments, "--steps", "3"])
    settings = json.loads((tmp_path / "run.json").read_text())["settings"]
    assert settings == {"width": 8, "n_critic": 2, "betas": [0.0, 0.9]}
    assert tuple(trained(tmp_path)[0].optimizers["generator"].param_groups[0]["betas"]) == (0.0, 0.9)


def test_stopped_before_the_first_row(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(gl.GAN, "step", stop)
    with pytest.raises(SystemExit, match="stopped after 0 steps; start it again to go on"):
        main(["train", "vanilla", "--out", str(tmp_path), "--steps", "8", *SMALL])


def test_another_extractor(runs, capsys):
    main(["fid", str(runs / "a"), "--n", "100", "--extractor", "fashion"])
    assert "(fashion, n = 100" in capsys.readouterr().out


def test_a_setting_without_a_value(capsys):
    with pytest.raises(SystemExit):
        main(["train", "vanilla", "--out", "x", "--set", "width"])
    assert "'width' must be NAME=VALUE" in capsys.readouterr().err


def test_a_system_of_another_kind_trains_on_what_it_is_at_home_with(tmp_path, capsys):
    small = ["--steps", "4", "--batch", "8", "--every", "2", "--set", "width=8", "pretrain=2", "d_pretrain=1"]
    main(["train", "seqgan", "--out", str(tmp_path), *small, "rollouts=1"])
    assert json.loads((tmp_path / "run.json").read_text())["data"] == "unicode-names"
    lines = (tmp_path / "samples" / "0000004.txt").read_text(encoding="utf-8").splitlines()
    known = set(gl.load("unicode-names").vocabulary)
    assert len(lines) == 64 and all(word in known for line in lines for word in line.split())
    with pytest.raises(ValueError, match="images is Sequences; FID is a measure of pictures"):
        main(["fid", str(tmp_path)])
    with pytest.raises(ValueError, match="model 1 is a SeqGAN; it must be a GAN"):
        main(["battle", str(tmp_path), str(tmp_path)])


PAPER = """
from ganlib.models import vanilla

DATA = "fashion10k"


def build(data, *, width=16, slope=1.0):
    return vanilla.build(data, width=width, lr=slope * 1e-4)
"""


def test_a_paper_s_file_from_outside(tmp_path, monkeypatch, capsys):
    (tmp_path / "paper.py").write_text(PAPER)
    monkeypatch.chdir(tmp_path)
    main(["train", "paper.py", "--out", "run", "--steps", "4", *SMALL, "slope=2.0"])
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["data"] == "fashion10k" and run["system"] == str(tmp_path / "paper.py")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the run knows its paper from any folder
    main(["fid", "../run", "--n", "100"])
    assert "(fashion, n = 100 against 2,000 of fashion10k" in capsys.readouterr().out
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match="empty.py has no build"):
        main(["train", "../empty.py", "--out", "new", *SMALL])
    with pytest.raises(ValueError, match="name is 'nothing'; the systems are vanilla, .*, or the path of a paper"):
        main(["train", "nothing", "--out", "new", *SMALL])


def test_a_tenth_of_one_s_own_pictures_is_held_out(tmp_path):
    import numpy as np

    pixels = np.random.default_rng(0).integers(0, 256, (60, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=pixels)
    train = ["train", "vanilla", "--data", str(tmp_path / "mine.npz"), "--steps", "2", *SMALL, "--out"]
    main([*train, str(tmp_path / "run")])
    _, test = trained(tmp_path / "run")
    mine, held = {image.tobytes() for image in pixels}, {image.numpy().tobytes() for image in test.x[:, 0]}
    assert len(test) == 6 and held < mine
    np.savez(tmp_path / "theirs.npz", images=pixels[:7])
    main([*train, str(tmp_path / "other"), "--test", str(tmp_path / "theirs.npz")])
    assert len(trained(tmp_path / "other")[1]) == 7
