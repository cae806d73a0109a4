"""DRAW (Gregor, Danihelka, Graves, Rezende and Wierstra 2015, "DRAW: A Recurrent Neural Network for Image Generation").

A variational autoencoder that draws in steps: the encoder looks at the image and at what the canvas still lacks, the
decoder adds to the canvas. Eqs. 3-8, for t = 1 ... T, with c_0 = 0:

    x^_t    = x - sigma(c_{t-1})                                                                         (3)
    r_t     = read(x, x^_t)                                                                              (4)
    h_enc_t = LSTM(h_enc_{t-1}, [r_t, h_dec_{t-1}])                                                      (5)
    z_t     ~ Q(Z_t | h_enc_t) = N(mean(h_enc_t), std(h_enc_t)^2)                                        (6)
    h_dec_t = LSTM(h_dec_{t-1}, z_t)                                                                     (7)
    c_t     = c_{t-1} + write(h_dec_t)                                                                   (8)

The bound is log p(x | c_T) minus the sum of the T divergences KL(Q || P) (Eqs. 9-12). Samples leave the encoder out:
z_t comes from the prior (Eqs. 13-15). Without attention read and write see the whole image (Eqs. 17 and 18); with it
they see a patch through a grid of Gaussian filters (Eqs. 19-29).
"""

import math

import torch
from torch import Tensor, nn

from ganlib.gan import check_latent, require
from ganlib.models.dvae import VariationalModel, bernoulli_loss, kl_to_standard_normal


def filterbank(parameters: Tensor, grid: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """The Gaussian filters of the attention, from five numbers an image (Eqs. 19-26).

    Args:
        parameters: (N, 5): the grid's centre x and y (-1 and 1 are the image's edges), log variance, log stride, log
            intensity.
        grid: the patch is grid x grid.

    Returns:
        F_Y (N, grid, height) and F_X (N, grid, width), whose rows sum to 1, and the intensity (N, 1, 1).
    """
    x, y, log_variance, log_stride, log_intensity = parameters.unsqueeze(-1).unbind(1)  # (21), each (N, 1)
    stride = (max(height, width) - 1) / max(grid - 1, 1) * log_stride.exp()  # (24)
    offsets = torch.arange(grid, device=parameters.device) - (grid - 1) / 2

    def filters(centre: Tensor, side: int) -> Tensor:
        means = (side - 1) / 2 * (centre + 1) + offsets * stride  # (22), (23) and (19), (20): pixels count from 0
        distances = torch.arange(side, device=parameters.device) - means.unsqueeze(-1)
        return torch.softmax(-distances.square() / (2 * log_variance.exp().unsqueeze(-1)), dim=-1)  # (25), (26)

    return filters(y, height), filters(x, width), log_intensity.exp().unsqueeze(-1)


class DRAW(VariationalModel):
    """For images of a shape (C, H, W).

    Args:
        width: units of each LSTM.
        latent_dim: length of one z_t; ``latent_dim`` of the model is this times ``steps``.
        steps: T.
        attention: the side of the patch that is read and written; None sees the whole image.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        width: int = 128,
        latent_dim: int = 10,
        steps: int = 8,
        attention: int | None = None,
        lr: float = 1e-3,
    ):
        super().__init__()
        require(steps >= 1, f"steps is {steps}; it must be at least 1")
        self.shape, self.width, self.steps, self.attention = shape, width, steps, attention
        self.latent_dim = latent_dim * steps
        patch = (shape[0], attention, attention) if attention else shape
        self.encoder = nn.LSTMCell(2 * math.prod(patch) + width, width)
        self.posterior = nn.Linear(width, 2 * latent_dim)
        self.decoder = nn.LSTMCell(latent_dim, width)
        self.writer = nn.Sequential(nn.Linear(width, math.prod(patch)), nn.Unflatten(1, patch))
        if attention:
            self.read_where, self.write_where = nn.Linear(width, 5), nn.Linear(width, 5)
        self.start(lr)

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, steps={self.steps}, attention={self.attention}"

    def read(self, x: Tensor, error: Tensor, h_dec: Tensor) -> Tensor:
        """What the encoder sees of x and of the error x^, each (N, C, H, W): (N, numbers) (Eqs. 17 and 27)."""
        both = torch.cat([x, error], dim=1)
        if self.attention:
            f_y, f_x, intensity = filterbank(self.read_where(h_dec), self.attention, *self.shape[1:])
            both = torch.einsum("ngh,nchw,nkw->ncgk", f_y, both, f_x) * intensity.unsqueeze(1)
        return both.flatten(1)

    def write(self, h_dec: Tensor) -> Tensor:
        """What is added to the canvas (N, C, H, W) (Eqs. 18 and 29)."""
        patch = self.writer(h_dec)
        if self.attention:
            f_y, f_x, intensity = filterbank(self.write_where(h_dec), self.attention, *self.shape[1:])
            patch = torch.einsum("ngh,ncgk,nkw->nchw", f_y, patch, f_x) / intensity.unsqueeze(1)
        return patch

    def terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = (x + 1) / 2
        encoder = decoder = (x.new_zeros(len(x), self.width),) * 2  # hidden state and cell of each LSTM
        canvas, kl = torch.zeros_like(x), 0
        for _ in range(self.steps):
            error = x - torch.sigmoid(canvas)  # (3)
            r = self.read(x, error, decoder[0])  # (4)
            encoder = self.encoder(torch.cat([r, decoder[0]], dim=1), encoder)  # (5)
            mean, log_std = self.posterior(encoder[0]).chunk(2, dim=1)
            z = mean + log_std.exp() * torch.randn_like(mean)  # (6)
            decoder = self.decoder(z, decoder)  # (7)
            canvas = canvas + self.write(decoder[0])  # (8)
            kl = kl + kl_to_standard_normal(mean, log_std)  # (10), (11)
        return bernoulli_loss(canvas, x), kl  # (9)

    def canvas_logits(self, z: Tensor) -> Tensor:
        """c_1 ... c_T (T, N, C, H, W), before the sigmoid, of latents (N, T * length of z_t) (Eqs. 13-15)."""
        check_latent(z, self.latent_dim)
        decoder = (z.new_zeros(len(z), self.width),) * 2
        canvas, canvases = 0, []
        for z_t in z.chunk(self.steps, dim=1):
            decoder = self.decoder(z_t, decoder)
            canvas = canvas + self.write(decoder[0])
            canvases.append(canvas)
        return torch.stack(canvases)

    def decode(self, z: Tensor) -> Tensor:
        return self.canvas_logits(z)[-1]

    @torch.no_grad()
    def canvases(self, z: Tensor) -> Tensor:
        """The canvas after every step, as images (T, N, C, H, W) in [-1, 1]."""
        return 2 * torch.sigmoid(self.canvas_logits(z)) - 1
