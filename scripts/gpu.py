"""Everything that wants a GPU: the conformance suite on it, ten steps beside the CPU's, speed, memory, and what mixed
precision and a captured graph gain. Without a GPU it says so in one line.

    python scripts/gpu.py          # or make cuda; the table that it prints belongs into docs/cuda.md
"""

import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch

import ganlib as gl
from ganlib.gan import Game
from ganlib.models import SYSTEMS, home

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from conformance import build, data_of, feed  # noqa: E402

BATCH, STEPS = 64, 20


def after_ten_steps(name: str, device: torch.device, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    """The players of a system after ten steps from the same weights, latents and batches on every device.

    Two devices draw different numbers from one seed, so all that a step draws is drawn on the CPU and carried over.
    """
    drawn = {name: getattr(torch, name) for name in ("rand", "randn", "randint", "randperm", "rand_like", "randn_like")}

    def on_cpu(draw: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def carried(*args: object, **named: object) -> torch.Tensor:
            args = [a.cpu() if isinstance(a, torch.Tensor) else a for a in args]
            return draw(*args, **named | {"device": "cpu"}).to(device)

        return carried

    default = torch.get_default_dtype()
    sets = {}
    for where in (torch.device("cpu"), device):
        with where:
            sets[where] = data_of(name)
    torch.set_default_dtype(dtype)
    try:
        with torch.device("cpu"):
            weights = build(name, sets[torch.device("cpu")]).state_dict()
        with torch.device(device):
            data = sets[device]
            gan = build(name, data).eval()  # batch norm's running averages, so that no two batches feel each other
            gan.load_state_dict(weights)
            for function, draw in drawn.items():
                setattr(torch, function, on_cpu(draw))
            gl.seed_everything(0)
            batches = feed(gan, data, 8, dtype)
            for _ in range(10):
                gan.step(batches)
    finally:
        torch.set_default_dtype(default)
        for function, draw in drawn.items():
            setattr(torch, function, draw)
    return {key: value.cpu() for key, value in gan.state_dict().items() if value.is_floating_point()}


def farthest(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    """The largest difference of two games' numbers."""
    return max((a[key] - b[key]).abs().max().item() for key in a)


def per_second(step: Callable[[], object], device: torch.device, rounds: int = 5) -> float:
    """Steps per second: the median of some rounds of STEPS, each waited for."""
    speeds = []
    for warm_up in (True, *[False] * rounds):
        start = time.perf_counter()
        for _ in range(STEPS):
            step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        speeds += [] if warm_up else [STEPS / (time.perf_counter() - start)]
    return statistics.median(speeds)


def mixed(gan: Game, batches: Iterator) -> Callable[[], object]:
    """A step whose products are of bfloat16; it needs no scaling of the loss."""

    def step() -> None:
        with torch.autocast(gan.device.type, dtype=torch.bfloat16):
            gan.step(batches)

    return step


def captured(gan: Game, batches: Iterator) -> Callable[[], object]:
    """A step as one CUDA graph, which sees the same few batches again and again: for the time alone."""
    for optimizer in gan.optimizers.values():
        for group in optimizer.param_groups:
            group["capturable"] = True
    fixed, side = itertools.cycle([next(batches) for _ in range(8)]), torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            gan.step(fixed)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        gan.step(fixed)
    return graph.replay


def row(name: str, device: torch.device) -> str:
    """A system's line of the table."""
    apart = farthest(after_ten_steps(name, device), after_ten_steps(name, torch.device("cpu")))
    speeds, data = {}, gl.load(home(name), size=32)
    torch.cuda.reset_peak_memory_stats(device)
    for kind, make in (("plain", lambda g, b: lambda: g.step(b)), ("mixed", mixed), ("captured", captured)):
        gl.seed_everything(0)
        gan = gl.build(name, data, width=32)
        try:
            speeds[kind] = per_second(make(gan, feed(gan, data, BATCH)), device)
        except (RuntimeError, ValueError) as error:  # a step that waits for a number cannot be captured
            print(f"{name}, {kind}: {str(error).splitlines()[0]}", file=sys.stderr)
            torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device) / 2**20
    gains = " | ".join(f"{speeds[k] / speeds['plain']:.2f}" if k in speeds else "no" for k in ("mixed", "captured"))
    return f"| {name} | {apart:.1e} | {speeds.get('plain', float('nan')):.1f} | {peak:.0f} | {gains} |"


def against_a_textbook(device: torch.device) -> str:
    """Our DCGAN's step beside a textbook loop of the same networks and batches on this GPU."""
    from bench import ours, textbook

    data = gl.load("mnist5k", size=32)
    loops = [loop(gl.build("dcgan", data, width=32), data) for loop in (ours, textbook)]
    speeds = [per_second(partial(next, loop), device) for loop in loops]
    return f"DCGAN: {speeds[0]:.1f} steps a second, a textbook loop {speeds[1]:.1f}: ratio {speeds[0] / speeds[1]:.1f}"


def main() -> None:
    if not torch.cuda.is_available():
        print("no GPU is at hand: nothing was run")
        return
    device = gl.device()
    # two processes want two GPUs
    only = [] if torch.cuda.device_count() > 1 else ["-k", "not two_processes"]
    suite = subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/test_systems.py", *only], cwd=ROOT)
    print(f"conformance on {torch.cuda.get_device_name(device)}: {'passed' if suite.returncode == 0 else 'FAILED'}\n")
    print("| system | ten steps in float64, from the CPU's | steps a second | peak MiB | gain mixed | gain captured |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in SYSTEMS:
        print(row(name, device), flush=True)
    print(f"\n{against_a_textbook(device)}")
    sys.exit(suite.returncode)


if __name__ == "__main__":
    main()
