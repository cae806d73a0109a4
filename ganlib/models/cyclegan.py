"""CycleGAN (Zhu, Park, Isola and Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks"), written as its differences to DiscoGAN, which appeared in the same month:

  1. the game is one of least squares (section 4);
  2. the cycle is measured by the mean absolute difference, with lambda = 10 (Eq. 2);
  3. an identity term, lambda / 2 times |G_AB(b) - b| + |G_BA(a) - a|: what is in B already stays (section 5.2); it
     needs domains with equally many channels;
  4. the discriminators see fakes out of a buffer of 50: each new one is kept, and with probability 1/2 an older one is
     shown in its place (section 4; Shrivastava et al. 2017), so that no generator runs in a circle.
"""

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from ganlib import parallel
from ganlib.data import Pair
from ganlib.gan import Data, require, whole
from ganlib.models.discogan import Translation, examples, players
from ganlib.objectives import LEAST_SQUARES, Objective

DATA = "edges-clothes"


class CycleGAN(Translation):
    """Translation with points 2 to 4.

    Args:
        identity: the weight of the identity term, as a share of ``reconstruction``; 0 leaves it out.
        buffer: how many fakes of each domain are kept; 0 shows the newest alone.
        *args, **kwargs: those of ``Translation``.
    """

    def __init__(self, *args, identity: float = 0.5, buffer: int = 50, **kwargs):
        super().__init__(*args, **kwargs)
        require(identity >= 0, f"identity is {identity}; it must not be negative")
        channels = self.examples_a.shape[1], self.examples_b.shape[1]
        rule = f"the domains have {channels[0]} and {channels[1]} channels"
        require(identity == 0 or channels[0] == channels[1], f"identity is {identity}, but {rule}; it must be 0")
        self.identity, self.size = identity, whole("buffer", buffer, least=0)
        for side in ("a", "b"):  # with one row more, for what is not kept
            like = getattr(self, f"examples_{side}")
            self.register_buffer(f"kept_{side}", torch.zeros(buffer + 1, *like.shape[1:], dtype=like.dtype))
            self.register_buffer(f"count_{side}", torch.zeros((), dtype=torch.long))
        self.to(self.device)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, identity={self.identity}, buffer={self.size}"

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        return l1_loss(x, y)

    def further(self, batch: Pair) -> Tensor | float:
        if not self.identity:
            return 0.0
        same = sum(l1_loss(self.generator(x, side), x) for side, x in (("b", batch.b), ("a", batch.a)))
        return self.identity * self.reconstruction * same

    def shown(self, fakes: dict[str, Tensor]) -> dict[str, Tensor]:
        return {side: self.through_buffer(fake, side) for side, fake in super().shown(fakes).items()}

    @torch.no_grad()
    def through_buffer(self, fake: Tensor, side: str) -> Tensor:
        """The fakes to show for new ones (N, C, H, W), chosen from those of all processes, which keep one buffer."""
        if not self.size:
            return fake
        fake = parallel.gather(fake)
        kept, count = getattr(self, f"kept_{side}"), getattr(self, f"count_{side}")
        n, device = len(fake), fake.device
        free = count + torch.arange(n, device=device)  # while the buffer is not full, each is kept and shown
        older = torch.randperm(self.size, device=device)[torch.arange(n, device=device) % self.size]
        swap = (torch.rand(n, device=device) < 0.5) & (free >= self.size)
        shown = torch.where(swap[:, None, None, None], kept[older], fake)
        place = torch.where(free < self.size, free, torch.where(swap, older, self.size))  # the last row is for nothing
        kept.index_copy_(0, place, fake)
        count += n
        return parallel.share(shown)


def build(
    data: Data,
    *,
    width: int = 64,
    reconstruction: float = 10.0,
    identity: float = 0.5,
    buffer: int = 50,
    objective: Objective = LEAST_SQUARES,
    lr: float = 5e-4,
    d_lr: float = 5e-4,
) -> CycleGAN:
    """The game for ``Domains`` of pictures (C, H, W)."""
    pair = examples(data)  # first, since it says what is wrong with the data
    settings = dict(reconstruction=reconstruction, lr=lr, d_lr=d_lr)
    return CycleGAN(*players(data, width), objective, pair, identity=identity, buffer=buffer, **settings)
