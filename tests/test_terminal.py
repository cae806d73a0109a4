"""Runs from a terminal: a folder each, that goes on by itself and can be measured."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
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


@pytest.mark.parametrize(
    "wrong",
    [
        ["--ema", "1"],
        ["--set", "objective=nothing"],
        ["--set", "n_critic=1.5"],
        ["--set", "lr=fast"],
        ["--batch", "1", "--set", "norm=batch"],
        ["--data", "nowhere"],
        ["--test", "nowhere"],  # mnist5k has test data of its own
        ["--set", "spectral_norm=perhaps"],
        ["--set", "objective=1"],
    ],
)
def test_a_mistake_leaves_nothing_behind(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as error:
        main(["train", "dcgan", "--steps", "2", *SMALL, *wrong, "--out", "run"])
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


def test_test_data_are_looked_for_before_the_training(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, images=np.zeros((50, 16, 16), np.uint8))
    arguments = ["train", "vanilla", "--data", str(path), "--test", str(tmp_path / "none.npz"), *SMALL]
    with pytest.raises((ValueError, OSError), match="none.npz"):
        main([*arguments, "--out", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_nor_does_a_start_that_fails_in_its_first_steps(tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    out, arguments = str(tmp_path / "run"), ["train", "vanilla", "--steps", "4", *SMALL, "--out"]
    with monkeypatch.context() as m:
        m.setattr(gl.GAN, "step", fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            main([*arguments, out, "--set", "lr=1e-3"])
    assert list(tmp_path.iterdir()) == []
    main([*arguments, out])  # the corrected command

    with monkeypatch.context() as m:  # what was trained stays, whatever comes later
        m.setattr(gl.GAN, "step", fail)
        with pytest.raises(RuntimeError):
            main([*arguments[:2], "--steps", "9", *SMALL, "--out", out])
    assert json.loads((tmp_path / "run" / "run.json").read_text())["system"] == "vanilla"


def test_the_second_of_two_runs_in_one_folder_is_refused_before_it_writes(tmp_path):
    from ganlib.__main__ import claim

    first = {"system": "vanilla", "data": "mnist5k", "size": 16, "settings": {}, "seed": 0}
    assert claim(tmp_path / "run", first) and not claim(tmp_path / "run", first)
    with pytest.raises(ValueError, match="run holds a run with seed = 0, not 1; give another --out"):
        claim(tmp_path / "run", first | {"seed": 1})
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == first


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"system": "vanilla"}', "\x00\x01", "null"])
def test_a_damaged_run_json_is_named(text, tmp_path):
    (tmp_path / "run.json").write_text(text)
    for arguments in (["fid", str(tmp_path)], ["train", "vanilla", *SMALL, "--out", str(tmp_path)]):
        with pytest.raises(ValueError, match="run.json is damaged: "):
            main(arguments)


def test_every_mistake_of_a_user_has_one_exit(tmp_path):
    from ganlib.__main__ import exit_of

    def fails(error):
        def command():
            raise error

        return command

    diverged = gl.TrainingDiverged(3, {"d_loss": float("nan")}, gl.History(), None)
    for error, sentence in (
        (ValueError("n is 0"), "n is 0"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (FileNotFoundError("nothing there"), "nothing there"),
        (diverged, "training diverged at step 3: d_loss = nan; no checkpoint was kept"),
        (KeyboardInterrupt(), 130),
    ):
        assert exit_of(fails(error)) == sentence
    assert exit_of(lambda: None) == 0
    with pytest.raises(ZeroDivisionError):  # a fault of ours keeps its traceback
        exit_of(lambda: 1 / 0)


def test_a_full_disk_is_a_sentence(tmp_path):
    """A limit on the size of files stands for the disk."""
    resource = pytest.importorskip("resource")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # noqa: E731
    command = [sys.executable, "-m", "ganlib", "train", "vanilla", "--steps", "2", *SMALL, "--out", str(tmp_path / "a")]
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    assert run.returncode == 1 and "Traceback" not in run.stderr and len(run.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_console_without_greek_letters(runs, tmp_path):
    """Windows' code page 1252 has neither ε nor ∞."""
    env = os.environ | {"PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "ganlib", "battle", str(runs / "a"), str(runs / "b"), "--n", "50"]
    run = subprocess.run(command, capture_output=True, env=env)
    assert run.returncode == 0, run.stderr
    assert b"?(D1(G2(z)))" in run.stdout


def test_home_is_meant_by_a_tilde(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    main(["train", "vanilla", "--steps", "2", *SMALL, "--out", "~/run"])
    assert (tmp_path / "run" / "checkpoint.pt").exists()
    main(["fid", "~/run", "--n", "50"])
    assert "FID" in capsys.readouterr().out


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
    extractor = gl.metrics.digits()
    score = gl.metrics.fid(test, test, extractor=extractor, n=4)
    assert score.reals == f"6 of {tmp_path / 'mine.npz'} (a tenth that was held out)" and score.floor is None
    np.savez(tmp_path / "theirs.npz", images=pixels[:7])
    main([*train, str(tmp_path / "other"), "--test", str(tmp_path / "theirs.npz")])
    assert len(trained(tmp_path / "other")[1]) == 7
    np.savez(tmp_path / "few.npz", images=pixels[:20])
    few = ["train", "vanilla", "--data", str(tmp_path / "few.npz"), "--steps", "2", *SMALL, "--out"]
    main([*few, str(tmp_path / "few")])
    assert trained(tmp_path / "few")[1].name.endswith("few.npz (what it was trained on)")
