"""The loop: equal to the loop by hand, resumed to the bit after a kill, and clear when something goes wrong."""

import csv
import math
import signal
import subprocess
import sys

import pytest
import torch

import ganlib as gl
from ganlib import checkpoints

SHAPE = (1, 16, 16)


@pytest.fixture(scope="module")
def images():
    return gl.load("mnist5k", size=16).take(100)


def build(name="vanilla", seed=0, **settings):
    gl.seed_everything(seed)
    return gl.build(name, SHAPE, **{"width": 8, **settings})


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))


def test_fit_is_the_loop(images):
    ours, by_hand = build(), build()
    gl.fit(ours, images, 7, batch_size=16, seed=3)
    gl.seed_everything(3)
    batches = images.batches(16, seed=3)
    for _ in range(7):
        by_hand.step(batches)
    assert equal(ours, by_hand)


def test_ema_is_the_average_over_the_steps(images, tmp_path):
    plain, by_hand, averaged, again = (build("dcgan") for _ in range(4))
    gl.seed_everything(0)
    batches = images.batches(16)
    mean = {name: value.clone() for name, value in by_hand.generator.state_dict().items()}
    for t in range(1, 13):
        by_hand.step(batches)
        decay = (1 + t) / (10 + t) if t < 8 else 0.5  # (1 + 8) / (10 + 8) is 0.5
        for name, value in by_hand.generator.state_dict().items():
            mean[name] = decay * mean[name] + (1 - decay) * value if value.is_floating_point() else value.clone()
    gl.fit(averaged, images, 12, 16, every=4, ema=0.5)
    for name, value in averaged.averaged.state_dict().items():
        torch.testing.assert_close(value, mean[name], rtol=1e-5, atol=1e-6)
    gl.fit(plain, images, 12, 16, every=4)
    assert equal(plain.generator, averaged.generator) and equal(plain.discriminator, averaged.discriminator)
    assert not torch.equal(plain.sample(2, seed=0), averaged.sample(2, seed=0))

    gl.fit(again, images, 8, 16, every=4, ema=0.5, checkpoint=tmp_path / "run.pt")
    again = build("dcgan", seed=1)
    gl.fit(again, images, 12, 16, every=4, ema=0.5, checkpoint=tmp_path / "run.pt")
    assert equal(again, averaged)
    gl.fit(averaged, images, 1, 16)  # without ema no stale average is left to sample from
    assert averaged.averaged is None


def test_history_holds_means_of_the_intervals(images):
    every, coarse = gl.fit(build(), images, 7, 16, every=1), gl.fit(build(), images, 7, 16, every=3)
    assert every.steps == [1, 2, 3, 4, 5, 6, 7] and coarse.steps == [3, 6, 7]
    one = every["d_loss"]
    assert coarse["d_loss"] == pytest.approx([sum(one[:3]) / 3, sum(one[3:6]) / 3, one[6]])
    assert coarse.names == ["d_loss", "d_real", "d_fake", "g_loss"]
    assert len(coarse.seconds) == 3 and 0 < coarse.seconds[0] < coarse.seconds[1] < coarse.seconds[2]
    with pytest.raises(KeyError, match="no 'fid'; it has d_loss, d_real, d_fake, g_loss"):
        coarse["fid"]


def test_monitors_and_csv(images, tmp_path):
    frames = []
    monitors = [
        gl.Monitor("score", lambda gan: torch.tensor(2.5) + 0 * torch.rand(()), every=4),
        gl.Monitor("frames", lambda gan: frames.append(gan.sample(1, seed=0)), every=2),
    ]
    watched, plain = build(), build()
    history = gl.fit(watched, images, 7, 16, every=2, monitors=monitors)
    gl.fit(plain, images, 7, 16, every=2)
    assert equal(watched, plain)  # looking does not change the run
    score = history["score"]
    assert history.steps == [2, 4, 6, 7] and math.isnan(score[0]) and score[1] == 2.5 and score[3] == 2.5
    assert len(frames) == 4 and "frames" not in history.names
    history.to_csv(tmp_path / "history.csv")
    rows = list(csv.DictReader(open(tmp_path / "history.csv")))
    assert [row["step"] for row in rows] == ["2", "4", "6", "7"] and [row["score"] for row in rows] == [
        "",
        "2.5",
        "",
        "2.5",
    ]
    assert float(rows[2]["g_loss"]) == history["g_loss"][2]
    with pytest.raises(
        ValueError, match="monitor 'score' runs every 4 steps; its every must be a multiple of fit's, 3"
    ):
        gl.fit(build(), images, 7, 16, every=3, monitors=monitors)


KILLED = """
import ganlib as gl, sys
gl.seed_everything(0)
gan = gl.build("dcgan", (1, 16, 16), width=8)
tell = gl.Monitor("tell", lambda gan: print("alive", flush=True), every=5)
gl.fit(gan, gl.load("mnist5k", size=16).take(100), 10**6, 16, seed=2, every=5, monitors=[tell], checkpoint=sys.argv[1])
"""


def test_resumes_to_the_bit_after_kill_9(images, tmp_path):
    path = tmp_path / "run.pt"
    process = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, text=True)
    for _ in range(4):  # the fourth line comes before the checkpoint of step 20 is written: it may or may not be
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = torch.load(path, weights_only=True)["history"]["steps"][-1]
    assert done in (15, 20)
    resumed, straight = build("dcgan", seed=5), build("dcgan")
    ours = gl.fit(resumed, images, 30, 16, seed=2, every=5, checkpoint=path)
    theirs = gl.fit(straight, images, 30, 16, seed=2, every=5)
    assert equal(resumed, straight) and ours.rows == theirs.rows and ours.steps == theirs.steps
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".part")] == ["run.pt"]


def test_every_random_state_goes_on(images, tmp_path):
    import random

    import numpy as np

    draw = gl.Monitor("draw", lambda gan: random.random() + np.random.normal(), every=1)
    straight = gl.fit(build(), images, 6, 16, every=1, monitors=[draw])
    gl.fit(build(), images, 3, 16, every=1, monitors=[draw], checkpoint=tmp_path / "run.pt")
    gl.seed_everything(123)
    resumed = gl.fit(build(), images, 6, 16, every=1, monitors=[draw], checkpoint=tmp_path / "run.pt")
    assert resumed["draw"] == straight["draw"]


def test_channels_last_game_restores_with_its_strides(images, tmp_path):
    gan = build("dcgan")
    gl.fit(gan, images, 3, 16)
    gl.save(gan, tmp_path / "game.pt")
    twin = build("dcgan", seed=9)
    gl.restore(twin, tmp_path / "game.pt")
    for optimizer in twin.optimizers.values():
        for parameter, moments in optimizer.state.items():
            assert moments["exp_avg"].stride() == moments["exp_avg_sq"].stride() == parameter.stride()
    gl.fit(gan, images, 3, 16, seed=1)
    gl.fit(twin, images, 3, 16, seed=1)
    assert equal(gan, twin)


def test_moments_of_other_strides_are_laid_out_anew(images, tmp_path):
    """A file from a machine that kept its moments contiguous: fused Adam would walk them in the wrong order."""
    gan = build("dcgan")
    gl.fit(gan, images, 3, 16)
    gl.save(gan, tmp_path / "game.pt")
    saved = torch.load(tmp_path / "game.pt", weights_only=True)
    changed = 0
    for optimizer in saved["optimizers"].values():
        for moments in optimizer["state"].values():
            for key in ("exp_avg", "exp_avg_sq"):
                changed += not moments[key].is_contiguous()
                moments[key] = moments[key].contiguous()
    assert changed
    torch.save(saved, tmp_path / "game.pt")
    twin = build("dcgan", seed=9)
    gl.restore(twin, tmp_path / "game.pt")
    gl.fit(gan, images, 3, 16, seed=1)
    gl.fit(twin, images, 3, 16, seed=1)
    assert equal(gan, twin)


def test_stop_button_returns_the_history(images):
    gan = build()
    steps = iter(range(100))
    original = gan.step

    def step(batches):
        if next(steps) == 7:
            raise KeyboardInterrupt
        return original(batches)

    gan.step = step
    history = gl.fit(gan, images, 50, 16, every=3)
    assert history.steps == [3, 6]
    gan.step = original
    assert gl.fit(gan, images, 2, 16).steps == [2]


def test_divergence_names_step_losses_and_checkpoint(images, tmp_path):
    gan = build()
    original, calls = gan.step, iter(range(1, 100))
    gan.step = lambda batches: original(batches) | ({"g_loss": torch.tensor(math.nan)} if next(calls) == 8 else {})
    with pytest.raises(
        gl.TrainingDiverged, match=r"diverged at step 8: .*g_loss = nan; the last good state is in .*run.pt"
    ) as e:
        gl.fit(gan, images, 50, 16, every=3, checkpoint=tmp_path / "run.pt")
    assert e.value.step == 8 and e.value.history.steps == [3, 6]
    assert torch.load(tmp_path / "run.pt", weights_only=True)["history"]["steps"] == [3, 6]


def test_divergence_before_the_first_checkpoint_promises_none(images, tmp_path):
    gan = build()
    gan.step = lambda batches: {"g_loss": torch.tensor(math.nan)}
    with pytest.raises(gl.TrainingDiverged, match="g_loss = nan; no checkpoint was kept"):
        gl.fit(gan, images, 5, 16, checkpoint=tmp_path / "run.pt")


def test_restore_brings_the_average_along(images, tmp_path):
    gan, other = build(), build(seed=1)
    gl.fit(gan, images, 4, 16, ema=0.5, checkpoint=tmp_path / "run.pt")
    gl.restore(other, tmp_path / "run.pt")
    assert equal(other, gan) and torch.equal(other.sample(2, seed=0), gan.sample(2, seed=0))
    with pytest.raises(ValueError, match="run.pt holds another architecture: .*out_features=8"):
        gl.restore(build(width=9), tmp_path / "run.pt")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    gan, path = build(), tmp_path / "game.pt"
    gl.save(gan, path)
    before = path.read_bytes()

    def half(payload, file):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoints.torch, "save", half)
    with pytest.raises(OSError, match="disk full"):
        gl.save(gan, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_files_of_another_game_are_refused(images, tmp_path):
    path = tmp_path / "run.pt"
    gl.fit(build(), images, 2, 16, checkpoint=path)
    whole = path.read_bytes()
    for bad, sentence in (
        (
            lambda: gl.restore(build(width=9), path),
            r"another architecture: .*out_features=8.* in the file, .*out_features=9",
        ),
        (
            lambda: gl.restore(build(n_critic=2), path),
            r"another architecture: .*n_critic=1.* in the file, .*n_critic=2.* here",
        ),
        (lambda: gl.restore(build("dcgan"), path), "another architecture"),
        (
            lambda: gl.restore(build(lr=1e-3), path),
            r"another optimizer of the generator: .*0.0002.* in the file, .*0.001",
        ),
        (lambda: gl.fit(build(), images, 4, 8, checkpoint=path), "another batch_size: '16' in the file, '8' here"),
        (lambda: gl.fit(build(), images, 4, 16, seed=1, checkpoint=path), "another seed: '0' in the file, '1' here"),
        (
            lambda: gl.fit(build(), images.take(50), 4, 16, checkpoint=path),
            "another data: '100 of mnist5k' in the file",
        ),
    ):
        with pytest.raises(ValueError, match=f"run.pt holds {sentence}"):
            bad()
        assert path.read_bytes() == whole
    gl.restore(build(), path)  # a checkpoint is a saved game too
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="run.pt was cut short, or is no checkpoint of ganlib"):
        gl.restore(build(), path)
    for nonsense in (torch.zeros(3), {"settings": 5}, {}):
        torch.save(nonsense, path)
        with pytest.raises(ValueError, match="run.pt is no checkpoint of ganlib"):
            gl.restore(build(), path)
    gl.save(build(), path)
    with pytest.raises(ValueError, match="without data, which a checkpoint of fit needs"):
        gl.fit(build(), images, 4, 16, checkpoint=path)
    with pytest.raises(FileNotFoundError):
        gl.restore(build(), tmp_path / "none.pt")


def test_opening_a_file_runs_no_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"settings": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(ValueError, match="is no checkpoint of ganlib"):
        gl.restore(build(), tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_bad_arguments(images):
    for arguments, sentence in (
        (dict(steps=0), "steps is 0; it must be at least 1"),
        (dict(steps=1, every=0), "every is 0; it must be at least 1"),
        (dict(steps=1, ema=1.0), "ema is 1.0; it must be between 0 and 1, or None for no average"),
        (dict(steps=1, batch_size=101), "batch_size is 101; mnist5k has 100 images"),
        (dict(steps=1, batch_size=0), "batch_size is 0; it must be at least 1"),
    ):
        with pytest.raises(ValueError, match=sentence):
            gl.fit(build(), images, **arguments)
    with pytest.raises(ValueError, match="ema is 0.9, and the game a DVAE; only a GAN has a generator to average"):
        gl.fit(gl.models.dvae.DVAE(SHAPE, width=8), images, 1, ema=0.9)
    with pytest.raises(ValueError, match=r"images have shape \(1, 32, 32\); the generator makes \(1, 16, 16\)"):
        gl.fit(build(), gl.load("mnist5k"), 1)
