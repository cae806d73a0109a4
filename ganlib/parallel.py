"""Several processes train one game, each on its share of every batch; with one process nothing here does anything.

    torchrun --nproc-per-node=2 -m ganlib train dcgan --out runs/x

Every process has the same seed, so all draw the same random numbers *for the whole batch* and each takes its own rows
(``share``); gradients are averaged before each update (``average_``). So n processes with batches of B rows make the
updates of one process with n times B, up to batch norm, which each process computes from its own rows, and up to noise
that a model draws inside its step (DVAE, DRAW), which is the same for every share.
"""

import atexit
import os

import torch
from torch import Tensor
from torch import distributed as dist


def start() -> None:
    """Join the processes that ``torchrun`` started (NCCL on CUDA, gloo elsewhere); without it do nothing."""
    if "LOCAL_RANK" in os.environ and not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        # a thread of the group's that is left behind can abort a process that has done all its work
        atexit.register(leave)


def leave() -> None:
    """Leave the processes that ``start`` joined."""
    if dist.is_initialized():
        dist.destroy_process_group()


def size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is; process 0 alone writes files and shows progress."""
    return dist.get_rank() if dist.is_initialized() else 0


def wait() -> None:
    """Wait until all processes have come here."""
    if size() > 1:
        dist.barrier()


def share(rows: Tensor) -> Tensor:
    """This process's rows (N / size, ...) of rows (N, ...) that all processes have.

    Raises:
        ValueError: N is no multiple of the number of processes.
    """
    n = size()
    if len(rows) % n:
        raise ValueError(f"{len(rows)} rows cannot be shared by {n} processes; make it a multiple of {n}")
    return rows.chunk(n)[rank()] if n > 1 else rows


def gather(rows: Tensor) -> Tensor:
    """The rows (N, ...) of all processes, in their order, from each one's share (N / size, ...).

    Gradients pass through, of any order: a loss may hold a mean or a spread over the whole batch. Every process then
    has to compute a loss of its own share, as everywhere (``average_`` takes the mean of their gradients).
    """
    return _Gather.apply(rows) if size() > 1 else rows


class _Gather(torch.autograd.Function):
    """All rows from each share. Backward, a share is in every process's loss: its gradients are added up."""

    @staticmethod
    def forward(ctx: object, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return _SumShare.apply(gradient)


class _SumShare(torch.autograd.Function):
    """This process's share of the sum of what all processes hold; the transpose of ``_Gather``."""

    @staticmethod
    def forward(ctx: object, rows: Tensor) -> Tensor:
        total = rows.contiguous().clone()
        dist.all_reduce(total)
        return share(total)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return _Gather.apply(gradient)


def average_(tensors: list[Tensor]) -> None:
    """Replace each tensor by its mean over the processes, in one message."""
    if size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, mean in zip(tensors, (flat / size()).split([tensor.numel() for tensor in tensors])):
        tensor.copy_(mean.view(tensor.shape))
