"""A game as a file: finite or not written, the same in every process, state apart from identity, no rests."""

import errno
import math
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
import torch
from test_training import build, equal, images

import ganlib as gl
from ganlib import checkpoints, files
from ganlib.objectives import gradient_penalty, r1

assert images  # a fixture


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_state_that_is_not_finite_is_not_written(value, images, tmp_path):
    """The last update of an interval breaks a weight; every loss of it was still finite."""
    gan, path, calls = build("dcgan"), tmp_path / "run.pt", []

    def overflow(gradient):
        calls.append(1)
        return gradient * value if len(calls) == 4 else gradient

    next(gan.generator.parameters()).register_hook(overflow)
    with pytest.raises(gl.TrainingDiverged, match="at step 4: a weight = nan; the last good state is in .*run.pt") as e:
        gl.fit(gan, images, 8, 16, every=2, checkpoint=path)
    assert e.value.history.steps == [2]
    again, straight = build("dcgan", seed=1), build("dcgan")
    assert gl.fit(again, images, 2, 16, every=2, checkpoint=path).steps == [2]
    gl.fit(straight, images, 2, 16, every=2)
    assert equal(again, straight)  # "the last good state" is one


def test_a_buffer_counts_too():
    gan = build("dcgan")
    assert checkpoints.finite(gan)
    next(b for b in gan.buffers() if b.is_floating_point())[0] = math.nan
    assert not checkpoints.finite(gan)


def test_divergence_crosses_processes(tmp_path):
    history = gl.History()
    history.append(2, {"g_loss": 1.0}, 0.5)
    error = gl.TrainingDiverged(3, {"g_loss": math.inf}, history, tmp_path / "none.pt")
    twin = pickle.loads(pickle.dumps(error))
    assert str(twin) == str(error) == "training diverged at step 3: g_loss = inf; no checkpoint was kept"
    assert (twin.step, twin.losses, twin.history.rows) == (3, {"g_loss": math.inf}, [{"g_loss": 1.0}])


IDENTITY = """
from functools import partial
import sys
import ganlib as gl
from ganlib import checkpoints
from ganlib.objectives import gradient_penalty
gan = gl.build("wgan_gp", (1, 16, 16), width=8)
gan.penalty_fn = partial(gradient_penalty, target=0.0)
sys.stdout.write(repr(checkpoints.settings(gan)))
"""


def test_identity_is_the_same_text_in_another_process():
    gan = build("wgan_gp")
    gan.penalty_fn = partial(gradient_penalty, target=0.0)
    run = subprocess.run([sys.executable, "-c", IDENTITY], capture_output=True, text=True, check=True)
    assert run.stdout == repr(checkpoints.settings(gan)) and "0x" not in run.stdout


def test_another_penalty_is_another_game(tmp_path):
    gan, path = build("wgan_gp"), tmp_path / "game.pt"
    gan.penalty_fn = partial(gradient_penalty, target=0.0)
    gl.save(gan, path)
    for other in (gradient_penalty, partial(gradient_penalty, target=1.0), r1):
        twin = build("wgan_gp")
        twin.penalty_fn = other
        with pytest.raises(ValueError, match=r"another architecture: .*gradient_penalty\(target=0.0\).* in the file"):
            gl.restore(twin, path)


def test_a_lowered_learning_rate_is_state_and_comes_back(images, tmp_path):
    gan, path = build(), tmp_path / "run.pt"
    for optimizer in gan.optimizers.values():
        optimizer.param_groups[0]["lr"] = 1e-5
    gl.fit(gan, images, 3, 16, checkpoint=path)
    for how in (gl.restore, lambda twin, path: gl.fit(twin, images, 3, 16, checkpoint=path)):
        twin = build(seed=1)
        how(twin, path)
        assert equal(twin, gan) and twin.optimizers["generator"].param_groups[0]["lr"] == 1e-5


def test_another_setting_of_an_optimiser_is_named(tmp_path):
    gl.save(build(lr=1e-3), tmp_path / "game.pt")
    sentence = "another optimizer of the generator: 'lr = 0.001' in the file, 'lr = 0.0002' here"
    with pytest.raises(ValueError, match=sentence):
        gl.restore(build(), tmp_path / "game.pt")


def halving(gan):
    return [torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5) for optimizer in gan.optimizers.values()]


def test_schedulers_step_with_the_game_and_go_on(images, tmp_path):
    straight, path = build(), tmp_path / "run.pt"
    gl.fit(straight, images, 7, 16, every=1, schedulers=halving(straight))
    assert straight.optimizers["generator"].param_groups[0]["lr"] == 2e-4 * 0.5**3
    by_hand = build()
    gl.seed_everything(0)
    batches = images.batches(16)
    for step in range(1, 8):
        by_hand.step(batches)
        for optimizer in by_hand.optimizers.values():
            optimizer.param_groups[0]["lr"] = 2e-4 * 0.5 ** (step // 2)
    assert equal(straight, by_hand)

    part = build()
    gl.fit(part, images, 3, 16, every=1, schedulers=halving(part), checkpoint=path)
    resumed = build(seed=1)
    gl.fit(resumed, images, 7, 16, every=1, schedulers=halving(resumed), checkpoint=path)
    assert equal(resumed, straight)
    with pytest.raises(ValueError, match=r"another schedulers: 'StepLR StepLR' in the file, '\(nothing\)' here"):
        gl.fit(build(), images, 7, 16, every=1, checkpoint=path)


def test_schedulers_that_fit_cannot_step(images):
    gan, other = build(), build()
    with pytest.raises(ValueError, match="schedulers holds a StepLR of an optimiser that is not the game's"):
        gl.fit(gan, images, 1, 16, schedulers=halving(other))
    waits = torch.optim.lr_scheduler.ReduceLROnPlateau(gan.optimizers["generator"])
    with pytest.raises(ValueError, match="schedulers holds a ReduceLROnPlateau, which needs a measured loss"):
        gl.fit(gan, images, 1, 16, schedulers=[waits])


def test_compiled_players_have_portable_checkpoints(images, tmp_path):
    compiled, plain, path = build("dcgan"), build("dcgan"), tmp_path / "run.pt"
    compiled.generator = torch.compile(compiled.generator, backend="eager")
    gl.fit(compiled, images, 3, 16, ema=0.9, checkpoint=path)
    assert hasattr(compiled.generator, "_orig_mod")  # still compiled
    gl.fit(plain, images, 3, 16, ema=0.9)
    twin = build("dcgan", seed=1)
    gl.restore(twin, path)
    assert equal(twin, plain)
    again = build("dcgan", seed=1)
    again.discriminator = torch.compile(again.discriminator, backend="eager")
    gl.restore(again, path)
    gl.fit(plain, images, 2, 16)
    gl.fit(again, images, 2, 16)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), again.parameters()))


def test_a_compiled_critic_may_have_a_penalty(images):
    gan, plain = build("wgan_gp"), build("wgan_gp")
    gan.discriminator = torch.compile(gan.discriminator, backend="aot_eager")
    gl.fit(gan, images, 1, 16)
    gl.fit(plain, images, 1, 16)
    for a, b in zip(gan.parameters(), plain.parameters()):
        torch.testing.assert_close(a, b)


def test_numpy_s_numbers_make_a_file_that_opens(images, tmp_path):
    gan, path = build(lr=np.float64(1e-3), n_critic=np.int64(2)), tmp_path / "run.pt"
    gl.fit(gan, images, np.int64(2), np.int32(16), seed=np.int64(3), every=np.int64(1), checkpoint=path)
    twin = build(lr=1e-3, n_critic=2)
    assert gl.fit(twin, images, 2, 16, seed=3, every=1, checkpoint=path).steps == [1, 2]
    assert equal(twin, gan)


def test_every_system_of_images_can_be_pickled():
    for name in ("vanilla", "dcgan", "lsgan", "wgan", "wgan_gp", "lens", "gran", "chaingan"):
        gan = build(name)
        twin = pickle.loads(pickle.dumps(gan))
        assert torch.equal(twin.sample(2, seed=0), gan.sample(2, seed=0)), name


def test_float64_games_train_resume_and_are_judged(images, tmp_path):
    torch.set_default_dtype(torch.float64)
    try:
        gan, path = build("dcgan"), tmp_path / "run.pt"
        gl.fit(gan, images, 2, 16, checkpoint=path)
    finally:
        torch.set_default_dtype(torch.float32)
    assert gan.dtype == gan.sample(1).dtype == torch.float64  # also where the default is another again
    gl.fit(gan, images, 3, 16, every=1)
    battle = gl.metrics.gam(gan, build("dcgan"), images, n=50)
    assert battle.errors["D1", "G2"].samples.n == 50


# --- Ctrl-C and killed writers


def test_ctrl_c_inside_the_writing_waits_for_the_file(images, tmp_path, monkeypatch):
    gan, path, save, calls = build(), tmp_path / "run.pt", torch.save, []

    def pressed(payload, file):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        save(payload, file)

    monkeypatch.setattr(checkpoints.torch, "save", pressed)
    history = gl.fit(gan, images, 10, 16, every=1, checkpoint=path)
    assert history.steps == [1, 2, 3]
    assert torch.load(path, weights_only=True)["history"]["steps"] == [1, 2, 3]  # both or neither
    assert list(tmp_path.iterdir()) == [path]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_before_the_first_step_returns_an_empty_history(images, monkeypatch):
    def pressed(*_):
        signal.raise_signal(signal.SIGINT)

    gan = build()
    monkeypatch.setattr(gan, "check", pressed)
    assert len(gl.fit(gan, images, 10, 16)) == 0


def test_outside_the_main_thread_there_are_no_signals_to_hold():
    seen = []

    def work():
        with files.finishing():
            seen.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen


def test_rests_of_killed_writers_are_removed_and_those_of_living_ones_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        names = [f"x.pt.{dead.pid}.part", f"x.pt.{alive.pid}.part", f"y.pt.{dead.pid}.part", "x.pt.mine.part"]
        for name in names:
            (tmp_path / name).write_text("half")
        with files.replacing(tmp_path / "x.pt") as aside:
            aside.write_text("whole")
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["x.pt", *names[1:]])
    finally:
        alive.communicate(b"\n")


def test_a_disk_that_fills_up_leaves_the_old_file(images, tmp_path, monkeypatch):
    gan, path = build(), tmp_path / "run.pt"
    gl.fit(gan, images, 1, 16, checkpoint=path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        gl.fit(build(), images, 3, 16, checkpoint=path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_no_flipped_bit_of_a_saved_game_is_read_as_another_weight(tmp_path):
    path, rng = tmp_path / "game.pt", random.Random(0)
    gl.save(build(), path)
    raw, refused = path.read_bytes(), 0
    for _ in range(100):
        data = bytearray(raw)
        data[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        gan = build(seed=1)
        try:
            gl.restore(gan, path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            assert all(torch.equal(p, q) for p, q in zip(gan.parameters(), build().parameters()))
    assert refused > 50


def test_home_is_meant_by_a_tilde(images, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    gl.fit(build(), images, 1, 16, checkpoint="~/runs/x.pt").to_csv("~/runs/x.csv")
    gl.save(build(), "~/runs/y.pt")
    gl.restore(build(), "~/runs/y.pt")
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["x.csv", "x.pt", "y.pt"]


def test_a_damaged_file_that_ganlib_comes_with_is_named(tmp_path):
    (tmp_path / "SHA256SUMS").write_text(
        "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9  two words\n"  # of "hello world"
    )
    (tmp_path / "two words").write_text("hello world")
    (tmp_path / "mine").write_text("anything")
    assert files.intact(tmp_path, "two words").read_text() == "hello world"
    assert files.intact(tmp_path, "mine").exists()  # one's own
    (tmp_path / "two words").write_text("hello worle")
    with pytest.raises(ValueError, match="two words is damaged: its SHA-256 is not the one in SHA256SUMS"):
        files.intact(tmp_path, "two words")
    with pytest.raises(FileNotFoundError, match="none is not there; it comes with ganlib"):
        files.intact(tmp_path, "none")


def test_nobody_s_home_is_an_error_of_the_disk(monkeypatch):
    monkeypatch.delenv("GANLIB_CACHE", raising=False)
    monkeypatch.setattr(files.Path, "expanduser", lambda self: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(OSError, match="no home"):
        files.cache()


ENDLESS = """
import ganlib as gl, sys
images = gl.load("mnist5k", size=16).take(100)
gl.seed_everything(0)
gl.fit(gl.build("vanilla", images.shape, width=8), images, 10**6, 16, every=1, checkpoint=sys.argv[1])
"""


def test_two_fits_on_one_file_do_not_tear_it(tmp_path):
    """Each writer has a file of its own aside, so whoever comes last leaves a whole one."""
    path = tmp_path / "run.pt"
    children = [subprocess.Popen([sys.executable, "-c", ENDLESS, path]) for _ in range(2)]
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)
    for child in children:
        child.kill()
        child.wait()
    gl.restore(build(), path)
