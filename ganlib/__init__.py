"""ganlib: generative adversarial networks, one paper a file, to be read and run."""

import torch

from ganlib import metrics, models, objectives, plotting, widgets
from ganlib.budget import budget, device, seed_everything
from ganlib.checkpoints import restore, save
from ganlib.data import Images, load
from ganlib.gan import GAN, adam
from ganlib.history import History
from ganlib.models import build
from ganlib.training import Monitor, TrainingDiverged, fit

__all__ = [
    "GAN",
    "History",
    "Images",
    "Monitor",
    "TrainingDiverged",
    "adam",
    "budget",
    "build",
    "device",
    "fit",
    "load",
    "metrics",
    "models",
    "objectives",
    "plotting",
    "restore",
    "save",
    "seed_everything",
    "widgets",
]

# On CUDA, products of float32 matrices round their factors to TF32, as convolutions do by default: much faster.
torch.backends.cuda.matmul.allow_tf32 = True
