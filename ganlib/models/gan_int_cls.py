"""GAN-INT-CLS (Reed, Akata, Yan, Logeswaran, Schiele and Lee 2016, "Generative Adversarial Text to Image Synthesis").

The condition is a caption t, as a vector phi(t). Both players squeeze it into fewer numbers; the generator puts them
beside z, the discriminator beside its last feature maps, the same numbers at every place ("depth concatenation").

  CLS, the matching-aware discriminator (Algorithm 1): beside real pictures with their texts and fakes, it sees real
      pictures with a wrong text, and calls them fake: a picture has to fit its text, not only to look real;
  INT, interpolated texts (Eq. 5): the generator also draws what is halfway between two captions. No picture belongs
      to such a text, so D does not learn from it, but it judges how well the drawing fits.

Deviations: phi is hashed words (``data.texts``), or an encoder that was taught with the captions of the emoji alone
(``encoder="learnt"``), where the paper has a network taught with birds and flowers; the generator minimises
-log D(G(z, phi)); the networks have DCGAN's layers at 16 to 64 pixels.
"""

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ganlib import parallel
from ganlib.data import BUNDLED, Labelled, text_features
from ganlib.data.labels import conditions_of
from ganlib.data.texts import LENGTH, NORM
from ganlib.files import intact
from ganlib.gan import Data, adam, require, shape_of
from ganlib.models import dcgan
from ganlib.models.cgan import ConditionalGAN, known
from ganlib.objectives import NON_SATURATING, Objective

DATA = "emoji"
TEXT = 64  # the numbers that a text is squeezed into (the paper's 128)


class Encoder(nn.Module):
    """From hashed texts (N, 256) to learnt ones (N, 256), of the same length 8.

    Two layers, which ``scripts/train_classifiers.py`` taught to put a caption near its own picture and away from
    others' (Radford et al. 2021, section 2.3). They are buffers: no player moves them.
    """

    def __init__(self, hidden: int = 256):
        super().__init__()
        for name, layer in (("first", nn.Linear(LENGTH, hidden)), ("last", nn.Linear(hidden, LENGTH))):
            self.register_buffer(f"{name}_weight", layer.weight.data)
            self.register_buffer(f"{name}_bias", layer.bias.data)

    def forward(self, y: Tensor) -> Tensor:
        hidden = nn.functional.linear(y, self.first_weight, self.first_bias).relu()
        return NORM * nn.functional.normalize(nn.functional.linear(hidden, self.last_weight, self.last_bias))


def heard(name: str) -> nn.Module:
    """What a player hears a text through: "hashed", as it is, or "learnt", the kept ``Encoder``."""
    require(name in ("hashed", "learnt"), f"encoder is {name!r}; it must be hashed or learnt")
    if name == "hashed":
        return nn.Identity()
    learnt = Encoder()
    learnt.load_state_dict(load_file(intact(BUNDLED / "weights", "captions.safetensors")))
    return learnt


class Generator(nn.Module):
    """From latents (N, latent_dim) and texts (N, 256) to images (N, C, H, W) in [-1, 1]."""

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int, text: nn.Module):
        super().__init__()
        self.text = nn.Sequential(text, nn.Linear(LENGTH, TEXT), nn.LeakyReLU(0.2))
        self.images = dcgan.Generator(shape, width, latent_dim + TEXT)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.images(torch.cat([z, self.text(y)], dim=1))


class Discriminator(nn.Module):
    """From images (N, C, H, W) and texts (N, 256) to logits (N,): ``features``, then ``judge``."""

    def __init__(self, shape: tuple[int, int, int], width: int, text: nn.Module, batch_norm: bool = True):
        super().__init__()
        side, (channels, *_) = dcgan.widths(shape, width)
        self.features = dcgan.Discriminator(shape, width, batch_norm).features[:-1]  # as maps
        self.text = nn.Sequential(text, nn.Linear(LENGTH, TEXT), nn.LeakyReLU(0.2))
        self.joint = nn.Sequential(
            nn.Conv2d(channels + TEXT, channels, 1),
            *([nn.BatchNorm2d(channels)] if batch_norm else []),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(channels * side**2, 1),
        )

    def judge(self, features: Tensor, y: Tensor) -> Tensor:
        """Logits (N,) of feature maps (N, 4 width, S, S) of images and of texts (N, 256)."""
        text = self.text(y)[:, :, None, None].expand(-1, -1, *features.shape[2:])
        return self.joint(torch.cat([features, text], dim=1)).flatten()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.judge(self.features(x), y)


def others(y: Tensor) -> Tensor:
    """For each row of a batch of texts (N, 256) the text of another row, of the batch of all processes."""
    return parallel.share(parallel.gather(y).roll(1, 0))


class TextGAN(ConditionalGAN):
    """A game whose y are captions, as texts or as vectors (N, 256).

    Args:
        matching: the discriminator also sees real pictures with wrong texts (CLS).
        interpolated: the generator also draws texts halfway between two captions (INT).
        *players, **settings: those of ``ConditionalGAN``; the discriminator has ``features`` and ``judge``.
    """

    def __init__(self, *players, matching: bool = True, interpolated: bool = False, **settings):
        super().__init__(*players, **settings)
        self.matching, self.interpolated = matching, interpolated

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, matching={self.matching}, interpolated={self.interpolated}"

    def conditions(self, n: int, y: str | list[str] | Tensor | None) -> Tensor:
        """What ``sample`` was told as vectors (n, 256): one caption for all, or one for each, or vectors."""
        texts = [y] * n if isinstance(y, str) else y
        if isinstance(texts, list | tuple) and texts and isinstance(texts[0], str):
            y = text_features(texts)
        return super().conditions(n, y)

    def discriminator_step(self, batch: Labelled, fake: Tensor | None = None) -> dict[str, Tensor]:
        """One update of D on real pictures with their texts, on fakes, and on real pictures with wrong texts."""
        real, y = batch
        fake = self.fakes(self.batch_latent(len(real)), y) if fake is None else fake
        seen = self.discriminator.features(real)  # once, for both texts
        right, wrong = self.discriminator.judge(seen, y), None
        logits = self.discriminator(fake, y)
        loss = self.objective.d_loss(right, logits).mean()
        logs = {"d_loss": loss.detach()} | {
            name: self.objective.output(values.detach()).mean()
            for name, values in (("d_real", right), ("d_fake", logits))
        }
        if self.matching:
            wrong = self.discriminator.judge(seen, others(y))
            # log s_r + (log(1 - s_w) + log(1 - s_f)) / 2: the paper's loss, as the mean of two games'
            loss = (loss + self.objective.d_loss(right, wrong).mean()) / 2
            logs |= {"d_loss": loss.detach(), "d_wrong": self.objective.output(wrong.detach()).mean()}
        self.descend(loss, self.optimizers["discriminator"])
        return logs

    def generator_step(self, batch: Labelled) -> dict[str, Tensor]:
        """One update of G on the batch's texts and, with INT, on as many halfway between two of them (Eq. 5)."""
        y, z = batch.y, self.batch_latent(len(batch.y))
        if self.interpolated:
            y, z = torch.cat([y, (y + others(y)) / 2]), torch.cat([z, self.batch_latent(len(z))])
        loss = self.objective.g_loss(self.critic(self.generator(z, y), y)).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach()}


def remembered(data: Data) -> dict[str, Tensor]:
    """What a game of texts remembers of a set: its captions as vectors, at most 256; of a bare shape one without words.

    Raises:
        ValueError: the set has neither captions nor vectors (N, 256).
    """
    if isinstance(data, tuple):
        return {"examples": torch.zeros(1, LENGTH)}
    y = conditions_of(data)
    rule = f"a game of texts needs captions, or y of shape (N, {LENGTH})"
    require(y is not None and y.shape[1:] == (LENGTH,), f"{data.name} has no captions; {rule}")
    return known(data)[1]


def build(
    data: Data,
    *,
    matching: bool = True,
    interpolated: bool = True,
    encoder: str = "hashed",
    width: int = 64,
    latent_dim: int = 100,
    objective: Objective = NON_SATURATING,
    lr: float = 2e-4,
) -> TextGAN:
    """The game for pictures with captions, or with vectors (N, 256) in their place.

    Args:
        matching, interpolated: the paper's CLS and INT; without both it is what the paper calls GAN.
        encoder: what the players hear a text through, "hashed" or "learnt".

    Raises:
        ValueError: another encoder, or a set without captions.
    """
    shape, conditions = shape_of(data), remembered(data)
    generator = Generator(shape, width, latent_dim, heard(encoder))
    discriminator = Discriminator(shape, width, heard(encoder))
    dcgan.initialise_(generator.images), dcgan.initialise_(discriminator)
    rates = dict(g_optimizer=adam(lr), d_optimizer=adam(lr))
    switches = dict(matching=matching, interpolated=interpolated)
    return TextGAN(generator, discriminator, objective, latent_dim, **switches, **rates, **conditions)
