"""Train the classifiers whose features judge generated digits and clothes; write ``data/weights/*.safetensors``.

    python scripts/train_classifiers.py digits fashion

They train on the full MNIST and Fashion-MNIST (found through GANLIB_DATA) without the pictures of ``mnist5k`` and
``fashion10k``: the bundled pictures are what scores are computed on, and a judge should not have learnt them by heart.
Where only the bundled sets are at hand, they train on those, and the file says so.
"""

import argparse
import json
import math
import time

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate

import ganlib as gl
from ganlib.data import BUNDLED, Images, to_float
from ganlib.metrics.features import Classifier

SETS = {"digits": ("mnist", "mnist5k"), "fashion": ("fashion-mnist", "fashion10k")}  # name -> (full set, bundled set)


def training_set(full: str, bundled: str) -> tuple[Images, Images, str]:
    """The images to train on, those to test on, and a sentence about both."""
    try:
        train, test = gl.load(full, "train"), gl.load(full, "test")
    except FileNotFoundError:
        train, test = gl.load(bundled, "train"), gl.load(bundled, "test")
        return train, test, f"the {len(train):,} training pictures of {bundled}; tested on its {len(test):,}"
    known = {row.tobytes() for split in ("train", "test") for row in gl.load(bundled, split).x.cpu().numpy()}
    keep = torch.tensor([row.tobytes() not in known for row in train.x.cpu().numpy()], device=train.x.device)
    kept = Images(train.x[keep], train.y[keep], train.name, train.classes)
    gone = len(train) - len(kept)
    sentence = f"{len(kept):,} of {full}'s {len(train):,} training pictures ({gone:,} that are in {bundled} left out)"
    return kept, test, f"{sentence}; tested on its {len(test):,} test pictures"


def augment(x: Tensor) -> Tensor:
    """Turn, scale and shift every picture a little; make a quarter of the batches as coarse as 16-pixel pictures."""
    n = len(x)
    angle = (torch.rand(n, device=x.device) * 2 - 1) * math.radians(10)
    scale = 1 + (torch.rand(n, device=x.device) * 2 - 1) * 0.1
    shift = (torch.rand(n, 2, device=x.device) * 2 - 1) * (2 / 16)  # 2 pixels; the picture is 2 units wide
    cos, sin = scale * angle.cos(), scale * angle.sin()
    theta = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    # outside is black, -1, so shift the range by one for grid_sample, which pads with 0
    x = grid_sample(x + 1, affine_grid(theta, list(x.shape), align_corners=False), align_corners=False) - 1
    if torch.rand(()) < 0.25:
        x = interpolate(interpolate(x, (16, 16), mode="bilinear", antialias=True), (32, 32), mode="bilinear")
    return x


@torch.no_grad()
def accuracy(model: Classifier, images: Images) -> float:
    """The share of images whose largest logit is their class."""
    model.eval()
    right = [model(to_float(x))[1].argmax(1) == y for x, y in zip(images.x.split(1000), images.y.split(1000))]
    return torch.cat(right).double().mean().item()


def train(images: Images, test: Images, epochs: int, batch_size: int = 128, lr: float = 3e-3) -> Classifier:
    """Adam with a one-cycle learning rate and cross-entropy."""
    gl.seed_everything(0)
    model = Classifier().to(gl.device(), memory_format=torch.channels_last)
    steps = epochs * (len(images) // batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    batches, start = images.batches(batch_size, labels=True), time.perf_counter()
    for step in range(1, steps + 1):
        model.train()
        x, y = next(batches)
        loss = cross_entropy(model(augment(x))[1], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % (len(images) // batch_size) == 0:
            epoch, seconds = step // (len(images) // batch_size), time.perf_counter() - start
            print(f"epoch {epoch}: test accuracy {accuracy(model, test):.4f}, {seconds:.0f} s", flush=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=SETS)
    parser.add_argument("--epochs", type=int, default=16)
    arguments = parser.parse_args()
    for name in arguments.names:
        images, test, sentence = training_set(*SETS[name])
        print(f"{name}: {sentence}", flush=True)
        model = train(images, test, arguments.epochs)
        # weights in half precision; the running statistics of batch norm span too wide a range for it
        state = {k: v.cpu().contiguous() for k, v in model.state_dict().items()}
        state = {k: v.half() if v.is_floating_point() and "running" not in k else v for k, v in state.items()}
        model.load_state_dict(state)  # what is tested is what is written
        facts = {
            "trained on": sentence,
            "epochs": str(arguments.epochs),
            "test accuracy": f"{accuracy(model, test):.4f}",
            "command": f"python scripts/train_classifiers.py {name} --epochs {arguments.epochs}",
        }
        print(json.dumps(facts, indent=1), flush=True)
        (BUNDLED / "weights").mkdir(exist_ok=True)
        save_file(state, BUNDLED / "weights" / f"{name}.safetensors", metadata=facts)


if __name__ == "__main__":
    main()
