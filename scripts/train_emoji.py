"""Train what reads emoji: a classifier of ten kinds, and an encoder of captions; write them to ``data/weights/``.

    python scripts/train_emoji.py kinds captions

Both learn from the training split alone, and say how they do on the 10 % that were withheld. The classifier's rate is
also taken by five-fold cross-validation, since few of the withheld pictures are of these kinds.
"""

import argparse
import copy
import json

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from train_classifiers import augment

import ganlib as gl
from ganlib.data import BUNDLED, EMOJI_KINDS, kind_of, text_features, to_float
from ganlib.files import listed_anew, replacing
from ganlib.metrics.features import Classifier
from ganlib.models.gan_int_cls import Encoder


def varied(x: Tensor) -> Tensor:
    """``augment`` on white ground, and half of the pictures mirrored, with their colours exchanged, or with noise."""
    n = len(x)
    x = -augment(-x)  # which fills up with -1
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(3), x)
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.5, x[:, torch.randperm(3)], x)
    return (x + 0.2 * torch.rand(n, 1, 1, 1) * torch.randn_like(x)).clamp(-1, 1)


def classifier(x: Tensor, y: Tensor, steps: int) -> Classifier:
    """A classifier of kinds y (N,) of pictures (N, 3, 32, 32) in [-1, 1], from batches with equally many of each."""
    gl.seed_everything(0)
    model = Classifier(channels=3)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    weight = 1 / y.bincount(minlength=len(EMOJI_KINDS)).clamp_min(1).float()
    for _ in range(steps):
        index = torch.multinomial(weight[y], 64, replacement=True)
        loss = cross_entropy(model(varied(x[index]))[1], y[index], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def right(model: Classifier, x: Tensor, y: Tensor) -> int:
    with torch.no_grad():
        return int((model(x)[1].argmax(1) == y).sum())


def kinds(steps: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    (x, y), (test_x, test_y) = (
        (to_float(d.x), torch.tensor([kind_of(caption) for caption in d.captions]))
        for d in (gl.load("emoji", split, 32, only=EMOJI_KINDS) for split in ("train", "test"))
    )
    fold = torch.randperm(len(y), generator=torch.Generator().manual_seed(0)) % 5
    crossed = sum(right(classifier(x[fold != k], y[fold != k], steps), x[fold == k], y[fold == k]) for k in range(5))
    model = classifier(x, y, steps)
    state = model.state_dict()
    state = {k: v.half() if v.is_floating_point() and "running" not in k else v for k, v in state.items()}
    model.load_state_dict(state)  # what is tested is what is written
    facts = {
        "trained on": f"{len(y)} emoji of ten kinds, of the training split",
        "five-fold accuracy": f"{crossed / len(y):.4f}",
        "test accuracy": f"{right(model, test_x, test_y)} of {len(test_y)}",
    }
    return state, facts


class Pictures(nn.Module):
    """The picture's side of the common space: (N, 3, 32, 32) to (N, 256)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = copy.deepcopy(Classifier(dim=256, channels=3).features)
        self.last = nn.Linear(256, 256)

    def forward(self, x: Tensor) -> Tensor:
        return normalize(self.last(self.layers(x)))


def captions(steps: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Each caption near its own picture and away from the batch's others, and each picture so (Radford et al. 2021)."""
    data, test = gl.load("emoji", size=32), gl.load("emoji", "test", 32)
    x, y = to_float(data.x), text_features(data.captions)
    gl.seed_everything(0)
    model, pictures, scale = Encoder(), Pictures(), nn.Parameter(torch.tensor(2.5))
    learnt = [t.requires_grad_() for t in model.buffers()]  # here, and nowhere else, they learn
    optimizer = torch.optim.AdamW([*learnt, *pictures.parameters(), scale], weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for _ in range(steps):
        index = torch.randperm(len(y))[:128]
        shown = -augment(-x[index])
        # some words are left out, so that no caption rests on one place alone
        said = y[index] * (torch.rand(len(index), y.shape[1]) > 0.1)
        logits = scale.exp() * normalize(model(said)) @ pictures(shown).T
        target = torch.arange(len(index))
        loss = cross_entropy(logits, target) + cross_entropy(logits.T, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    state = {name: value.detach().half() for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    with torch.no_grad():
        scores = model(text_features(test.captions)) @ pictures.eval()(to_float(test.x)).T
        own = (scores >= scores.diagonal()[:, None]).sum(1)
    share = (own <= 10).float().mean().item()
    facts = {
        "trained on": f"{len(y)} captions and pictures of the training split",
        "test": f"{share:.4f} of {len(test)} withheld captions have their own picture among the ten nearest",
    }
    return state, facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=("kinds", "captions"))
    parser.add_argument("--steps", type=int, default=600)
    arguments = parser.parse_args()
    for name in arguments.names:
        state, facts = globals()[name](arguments.steps)
        facts["command"] = f"python scripts/train_emoji.py {name} --steps {arguments.steps}"
        print(name, json.dumps(facts, indent=1), flush=True)
        with replacing(BUNDLED / "weights" / f"{name}.safetensors") as aside:
            save_file({k: v.contiguous() for k, v in state.items()}, aside, metadata=facts)
            aside.chmod(0o644)
        listed_anew(BUNDLED / "weights", f"{name}.safetensors")


if __name__ == "__main__":
    main()
