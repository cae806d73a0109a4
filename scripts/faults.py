"""Break ganlib on purpose, many times, and count what was lost; docs/reliability.md says what is promised.

    python scripts/faults.py [kill] [interrupt] [damage] [mistakes] [--seed 0]

Each part prints what it tried and what went wrong, and the exit status is the number of kinds in which something did.
"""

import argparse
import copy
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import ganlib as gl
from ganlib import __main__ as terminal

# a run that saves at every step, and says "go" once it has begun
RUN = """
import sys
import ganlib as gl

steps, path = int(sys.argv[1]), sys.argv[2]
images = gl.load("mnist5k", size=16).take(200)
gl.seed_everything(0)
gan = gl.build("dcgan", images, width=8)
print("go", flush=True)
history = gl.fit(gan, images, steps, 16, every=1, checkpoint=path)
print(len(history), flush=True)
"""


def game() -> gl.GAN:
    return gl.build("dcgan", (1, 16, 16), width=8)


def started(steps: int, path: Path) -> subprocess.Popen:
    """A run in a process of its own, that has begun."""
    command = [sys.executable, "-c", RUN, str(steps), str(path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child.stdout.readline()
    return child


def length(path: Path) -> int:
    """How many steps a checkpoint holds; it must be whole."""
    gan = game()
    gl.restore(gan, path)
    assert all(p.isfinite().all() for p in gan.parameters())
    return len(torch.load(path, weights_only=True)["history"]["steps"])


def kill(chance: random.Random, tries: int = 30) -> list[str]:
    """kill -9 at random moments: at most one interval is lost, and the run that goes on ends as an unbroken one."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        path, steps, before = Path(folder) / "run.pt", 600, 0
        for attempt in range(tries):
            child = started(steps, path)
            time.sleep(chance.uniform(0.05, 0.6))
            child.kill()
            child.wait()
            now = length(path) if path.exists() else 0
            if now < before:
                wrong.append(f"kill {attempt}: {before} steps became {now}")
            before = now
        straight = Path(folder) / "straight.pt"
        for each in (path, straight):
            child = started(before + 5, each)
            child.communicate()
        ends = [torch.load(each, weights_only=True) for each in (path, straight)]
        if not all(torch.equal(a, b) for a, b in zip(*(end["game"].values() for end in ends))):
            wrong.append("the run that was killed ends elsewhere than the one that was not")
        rests = [p.name for p in Path(folder).iterdir() if p.suffix == ".part"]
        wrong += [f"left behind: {name}" for name in rests]
        print(f"kill -9: {tries} times within {before} steps")
    return wrong


def interrupt(chance: random.Random, tries: int = 60) -> list[str]:
    """Ctrl-C at random moments, the writing of a checkpoint among them: fit returns its history, the file is whole."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for attempt in range(tries):
            path = Path(folder) / f"{attempt}.pt"
            child = started(10**6, path)
            time.sleep(chance.uniform(0.0, 0.4))
            child.send_signal(signal.SIGINT)
            told, error = child.communicate(timeout=60)
            if child.returncode or not told.strip().isdecimal():
                wrong.append(f"Ctrl-C {attempt}: status {child.returncode}, {error.strip().splitlines()[-1:]}")
            elif path.exists() and length(path) not in (int(told), int(told) + 1):
                wrong.append(f"Ctrl-C {attempt}: {told.strip()} rows returned, {length(path)} in the file")
    print(f"Ctrl-C: {tries} times")
    return wrong


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Bytes with one thing wrong: a bit, a hole, an end that is missing, a beginning of something else."""
    kind = chance.choice(("bit", "bit", "hole", "cut", "page"))
    data, place = bytearray(raw), chance.randrange(len(raw))
    if kind == "bit":
        data[place] ^= 1 << chance.randrange(8)
    elif kind == "hole":
        data[place : place + 64] = bytes(len(data[place : place + 64]))
    elif kind == "cut":
        del data[place:]
    else:
        data[:15] = b"<!DOCTYPE html>"
    return bytes(data)


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return all(map(equal, a, b)) if isinstance(a, list | tuple) else a == b


def damage(chance: random.Random, tries: int = 300) -> list[str]:
    """Files with one thing wrong: each is refused in a sentence that names it, or holds what it held."""
    wrong, other, refused, harmless = [], [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        gl.save(game(), folder / "game.pt")
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (20, 16, 16), dtype=np.uint8)
        np.savez(folder / "set.npz", images=pixels, labels=np.arange(20) % 3)
        np.save(folder / "set.npy", pixels)
        (folder / "pictures").mkdir()
        for i in range(4):
            Image.fromarray(pixels[i]).save(folder / "pictures" / f"{i}.png")

        def restored(path: Path):
            gan = game()
            gl.restore(gan, path)
            return gan.state_dict()

        def pictures(path: Path):
            images = gl.load(str(path), size=16)
            return images.x, images.y

        readers = {"game.pt": restored, "set.npz": pictures, "set.npy": pictures, "pictures/0.png": pictures}
        for name, reader in readers.items():
            path = folder / name
            raw, target = path.read_bytes(), path.parent if name.startswith("pictures/") else path
            right = copy.deepcopy(reader(target))  # some are mapped, and would change with the file
            for attempt in range(tries // len(readers)):
                path.write_bytes(damaged(raw, chance))
                try:
                    same = equal(reader(target), right)
                except (ValueError, OSError) as error:
                    refused += 1
                    if path.name not in str(error):
                        wrong.append(f"{name} {attempt}: the sentence names no file: {error}")
                except BaseException as error:
                    wrong.append(f"{name} {attempt}: {type(error).__name__}: {str(error)[:80]}")
                else:
                    harmless += same
                    if not same:
                        (other if name == "set.npy" else wrong).append(f"{name} {attempt}: read as something else")
            path.write_bytes(raw)
    print(f"damaged files: {tries // len(readers) * len(readers)}, of which {refused} refused and {harmless} harmless")
    print(f"{len(other)} times a plain .npy, which has no checksum, was read with other pixels")
    return wrong


MISTAKES = """
nosuch|vanila|dcgan.py|/nowhere/paper.py|vanilla --data nosuch|vanilla --data /nowhere|vanilla --data .
vanilla --test /nowhere|vanilla --test nosuch|vanilla --steps 0|vanilla --steps -3|vanilla --batch 0|vanilla --batch -1
vanilla --batch 5000|vanilla --size 0|vanilla --size -8|vanilla --every 0|vanilla --every -2|vanilla --ema 1
vanilla --ema 1.5|vanilla --ema -0.1|vanilla --ema nan|vanilla --set width=0|vanilla --set width=1.5
vanilla --set width=wide|vanilla --set widht=8|vanilla --set latent_dim=0|vanilla --set latent_dim=2.5
vanilla --set objective=nosuch|vanilla --set lr=fast|vanilla --set lr=-1|dcgan --size 15|dcgan --size 3
dcgan --set spectral_norm=perhaps objective=1|wgan --set clip=0|wgan --set clip=-1|wgan --set n_critic=0
wgan --set n_critic=1.5|wgan_gp --set penalty=-1|wgan_gp --set n_critic=0|lens --set base=nosuch|lens --set K=-1
gran --set steps=0|gran --set steps=1.5|chaingan --set editors=one|chaingan --set editors=-1|chaingan --set editors=1.5
cgan --data emoji --set k=0|cgan --set drop=2|seqgan --data mnist5k|seqgan --set rollouts=-1|maligan --data fashion10k
gan3d --data mnist5k|gan3d --set rule=2|gan3d --set rule=0|gan3d --size 8|dcgan --data chairs|vanilla --data oracle
wgan --data names|vanilla --set width=8=8 batch=3
"""


def mistakes(chance: random.Random) -> list[str]:
    """Wrong settings in a terminal: each is one sentence and a status, and leaves no folder behind."""
    wrong, tried = [], [line.split() for line in MISTAKES.replace("|", "\n").split("\n") if line]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANLIB_BUDGET"] = "smoke"
        for words in tried:
            out, told = Path(folder) / "run", io.StringIO()
            command = partial(terminal.main, ["train", *words, "--out", str(out)])
            with redirect_stderr(told), redirect_stdout(told):
                try:
                    status = terminal.exit_of(command)
                except SystemExit as stop:  # argparse, with its usage first
                    status = told.getvalue().strip().splitlines()[-1] if stop.code else 0
                except Exception as error:
                    status, text = 1, f"{type(error).__name__}: {error}"
                    wrong.append(f"{' '.join(words)}: {text[:150]}")
            if status == 0:
                wrong.append(f"{' '.join(words)}: was taken")
            elif isinstance(status, str) and len(status.strip().splitlines()) != 1:
                wrong.append(f"{' '.join(words)}: not one sentence: {status!r}")
            if out.exists():
                wrong.append(f"{' '.join(words)}: left {sorted(p.name for p in out.iterdir())}")
                shutil.rmtree(out)
    print(f"wrong settings: {len(tried)}")
    return wrong


PARTS = {part.__name__: part for part in (kill, interrupt, damage, mistakes)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    lost = {name: PARTS[name](random.Random(options.seed)) for name in options.parts or PARTS}
    for name, wrong in lost.items():
        print(f"{name}: {len(wrong)} went wrong", *wrong, sep="\n  ")
    sys.exit(sum(map(bool, lost.values())))
