"""How fast are a step and a Fréchet distance? Ours against what is usual, side by side in one run, as ratios; and what
the lens costs.

    python scripts/bench.py

The textbook loop is what tutorials show: a DataLoader over per-sample transforms, probabilities and
binary cross-entropy, one forward for the reals and one for the fakes, a backward pass through everything, unfused Adam,
and a loss read at every step. Networks, batch size and data are the same.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import scipy.linalg
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchmetrics.image.fid import _compute_fid
from torchvision import transforms

import ganlib as gl
from ganlib.data.oracle import LanguageModel
from ganlib.metrics import FeatureStats, frechet_distance
from ganlib.models.seqgan import rollouts

BATCH = 64


class PerSample(Dataset):
    """Images as a textbook reads them: each becomes a PIL image, then a tensor, then is normalised."""

    def __init__(self, images: gl.Images):
        self.images = images
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
        self.to_pil = transforms.ToPILImage()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Tensor:
        return self.transform(self.to_pil(self.images.x[i]))


def textbook(gan: gl.GAN, images: gl.Images) -> Iterator[None]:
    """One textbook step for each ``next``."""
    generator, discriminator = gan.generator.to(memory_format=torch.contiguous_format), gan.discriminator
    discriminator.to(memory_format=torch.contiguous_format)
    optimizers = [torch.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999)) for m in (generator, discriminator)]
    loss_of, device = nn.BCELoss(), gan.device
    ones, zeros = torch.ones(BATCH, device=device), torch.zeros(BATCH, device=device)
    while True:
        for real in DataLoader(PerSample(images), batch_size=BATCH, shuffle=True, drop_last=True):
            real, fake = real.to(device), generator(torch.randn(BATCH, gan.latent_dim, device=device))
            optimizers[1].zero_grad()
            d_loss = loss_of(torch.sigmoid(discriminator(real)), ones)
            d_loss = d_loss + loss_of(torch.sigmoid(discriminator(fake.detach())), zeros)
            d_loss.backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            g_loss = loss_of(torch.sigmoid(discriminator(fake)), ones)
            g_loss.backward()
            optimizers[0].step()
            d_loss.item(), g_loss.item()
            yield


def textbook_wgan_gp(gan: gl.GAN, images: gl.Images) -> Iterator[None]:
    """One textbook step, five critic updates and one of the generator, for each ``next``."""
    generator, critic = gan.generator, gan.discriminator
    optimizers = [torch.optim.Adam(m.parameters(), lr=1e-4, betas=(0.5, 0.9)) for m in (generator, critic)]
    critic_updates = 0
    while True:
        for real in DataLoader(PerSample(images), batch_size=BATCH, shuffle=True, drop_last=True):
            optimizers[1].zero_grad()
            fake = generator(torch.randn(BATCH, gan.latent_dim))
            real_validity, fake_validity = critic(real), critic(fake)
            alpha = torch.rand(BATCH, 1, 1, 1)
            mixed = (alpha * real + (1 - alpha) * fake).requires_grad_()
            validity = critic(mixed)
            (gradient,) = torch.autograd.grad(
                validity, mixed, torch.ones_like(validity), create_graph=True, retain_graph=True
            )
            penalty = ((gradient.view(BATCH, -1).norm(2, dim=1) - 1) ** 2).mean()
            d_loss = fake_validity.mean() - real_validity.mean() + 10 * penalty
            d_loss.backward()
            optimizers[1].step()
            d_loss.item()
            critic_updates += 1
            if critic_updates % 5 == 0:
                optimizers[0].zero_grad()
                g_loss = -critic(generator(torch.randn(BATCH, gan.latent_dim))).mean()
                g_loss.backward()
                optimizers[0].step()
                g_loss.item()
                yield


def ours(gan: gl.GAN, images: gl.Images) -> Iterator[None]:
    """One step of ours for each ``next``."""
    batches = images.batches(BATCH)
    while True:
        gan.step(batches)
        yield


def per_second(loop: Iterator[None], steps: int) -> float:
    """Steps per second over so many steps."""
    start = time.perf_counter()
    for _ in range(steps):
        next(loop)
    return steps / (time.perf_counter() - start)


def compare(
    name: str,
    build: Callable[[], gl.GAN],
    usual: Callable[[gl.GAN, gl.Images], Iterator[None]],
    images: gl.Images,
    steps: int,
    rounds: int = 7,
) -> None:
    """Print both speeds and their ratio: the median over rounds in which the two alternate."""
    loops = [ours(build(), images), usual(build(), images)]
    for loop in loops:
        per_second(loop, 3)
    speeds = [[per_second(loop, steps) for loop in loops] for _ in range(rounds)]
    ratio = statistics.median(a / b for a, b in speeds)
    a, b = (statistics.median(column) for column in zip(*speeds))
    print(f"{name:<42} {a:7.1f} steps/s, textbook {b:7.1f} steps/s, ratio {ratio:.2f}")


def lens_cost(images: gl.Images, steps: int = 10, rounds: int = 7) -> None:
    """Print what the lens adds to a DCGAN step, in floating-point operations and in time, and what it adds after K."""
    games = {
        name: gl.build("lens", images.shape, width=16, K=K)
        for name, K in (("without the lens", 0), ("with it", float("inf")), ("after K", 1))
    }
    loops = {name: ours(game, images) for name, game in games.items()}
    flops = {}
    for name, loop in loops.items():
        per_second(loop, 3)
        with FlopCounterMode(display=False) as counter:
            next(loop)
        flops[name] = counter.get_total_flops()
    speeds = [{name: per_second(loop, steps) for name, loop in loops.items()} for _ in range(rounds)]
    for name in loops:
        speed = statistics.median(s[name] for s in speeds)
        time_ratio = statistics.median(s["without the lens"] / s[name] for s in speeds)
        flop_ratio = flops[name] / flops["without the lens"]
        print(f"DCGAN, {name:<17} {speed:5.1f} steps/s: {time_ratio:.2f} x the time, {flop_ratio:.2f} x the operations")


def rollout_speed(vocabulary: int = 500, length: int = 20, rounds: int = 7) -> None:
    """Print the times of SeqGAN's roll-outs, all prefixes side by side, and one prefix after the other."""
    model, tokens = LanguageModel(vocabulary, length, 32), torch.randint(vocabulary, (BATCH, length))

    @torch.no_grad()
    def one_by_one() -> None:
        for t in range(1, length):
            state, words = model.begin(BATCH), []
            for s in range(length):
                if s:
                    state = model.read(words[-1], state)
                drawn = torch.multinomial(model.words(state[0]).softmax(1), 1)[:, 0] if s >= t else tokens[:, s]
                words.append(drawn)

    def together() -> None:
        rollouts(model, tokens, torch.rand(BATCH, length - 1, length))

    together(), one_by_one()
    times = [(seconds(together), seconds(one_by_one)) for _ in range(rounds)]
    ratio = statistics.median(b / a for a, b in times)
    ours, usual = (1000 * statistics.median(column) for column in zip(*times))
    print(f"roll-outs, V = {vocabulary}, T = {length}: {ours:.0f} ms, one by one {usual:.0f} ms, ratio {ratio:.1f}")


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def sqrtm_distance(a: FeatureStats, b: FeatureStats) -> float:
    """The Fréchet distance by SciPy's general matrix square root, as most code has it."""
    root = scipy.linalg.sqrtm((a.cov @ b.cov).numpy())
    return ((a.mean - b.mean).square().sum() + a.cov.trace() + b.cov.trace()).item() - 2 * root.trace().real


def distances(n: int, dim: int = 2048) -> None:
    """Print the times of one Fréchet distance from ``n`` against ``n`` rows of correlated features."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(dim, dim, generator=generator) / dim**0.5
    a, b = (
        FeatureStats(dim).update((torch.randn(n, dim, generator=generator) @ mixing * scale).relu())
        for scale in (1.0, 1.1)
    )
    features = [(s.mean, s.cov) for s in (a, b)]
    times = {
        "ours": seconds(lambda: frechet_distance(a, b)),
        "torchmetrics": seconds(lambda: _compute_fid(*features[0], *features[1])),
        "sqrtm": seconds(lambda: sqrtm_distance(a, b)),
    }
    ratios = ", ".join(f"{name} {t:6.2f} s (ratio {t / times['ours']:.1f})" for name, t in times.items())
    print(f"Fréchet distance, {dim} features, n = {n:<6} {ratios}")


if __name__ == "__main__":
    with torch.device("cpu"):
        digits = gl.load("mnist5k", size=28)
        print(f"batch {BATCH}, {torch.get_num_threads()} threads, {digits.name} at {digits.shape}")
        for name, system, settings, usual, steps in (
            ("perceptron GAN, width 256", "vanilla", {}, textbook, 40),
            ("convolutional GAN, width 16", "dcgan", dict(width=16), textbook, 20),
            ("perceptron WGAN-GP, width 256", "wgan_gp", dict(networks="perceptron"), textbook_wgan_gp, 8),
        ):
            compare(name, lambda: gl.build(system, digits.shape, **settings), usual, digits, steps)  # noqa: B023
        lens_cost(gl.load("mnist5k", size=16))
        rollout_speed()
        distances(n=4000)
        distances(n=1000)
        extractor, x = gl.metrics.digits(), torch.rand(10_000, 1, 32, 32) * 2 - 1
        extractor(x[:500])
        print(f"digit features of 10,000 images: {seconds(lambda: extractor(x)):.1f} s")
