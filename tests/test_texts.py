"""From texts to pictures: captions as vectors, a discriminator that knows which picture a text means, two stages."""

import hashlib
import math

import pytest
import torch

import ganlib as gl
from ganlib.data.named import EMOJI_KINDS
from ganlib.data.texts import text_features, words
from ganlib.models import gan_int_cls, stackgan
from ganlib.objectives import NON_SATURATING

SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def emoji():
    return gl.load("emoji", size=16, only=EMOJI_KINDS).take(64)


@pytest.fixture(scope="module")
def large():
    return gl.load("emoji", size=32, only=EMOJI_KINDS).take(64)


# captions as vectors


def test_a_caption_is_its_words_and_its_pairs():
    rows = text_features(["red heart", "Red  Heart!", "heart red", "", "red", "heart"])
    assert rows.shape == (6, 256) and rows.dtype == torch.float32
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])
    assert rows[3].abs().max() == 0
    assert rows[[0, 2, 4, 5]].norm(dim=1).tolist() == pytest.approx([8, 8, 8, 8])
    # two words and a pair, each +-1 at a place of its own, then made 8 long
    assert sorted(rows[0][rows[0] != 0].abs().tolist()) == pytest.approx([8 / math.sqrt(3)] * 3)
    # a pair apart, the two orders are the same words
    assert (rows[0] @ rows[2]).item() == pytest.approx(64 * 2 / 3, rel=1e-5)


def test_places_and_signs_are_those_of_the_hash():
    (row,) = text_features(["moon"])
    number = int.from_bytes(hashlib.sha256(b"moon").digest()[:8], "big")
    assert row[number // 2 % 256] == (8 if number % 2 == 0 else -8) and (row != 0).sum() == 1


def test_strangers_are_orthogonal_on_average():
    rows = text_features([f"w{i} v{i}" for i in range(300)]) / 8
    products = (rows @ rows.T)[~torch.eye(300, dtype=torch.bool)]
    assert abs(products.mean().item()) < 5 * math.sqrt(1 / 256 / (300 * 299 / 2))
    assert products.square().mean().item() == pytest.approx(1 / 256, rel=0.1)  # of unit vectors in 256 places


def test_words_are_letters_and_digits():
    assert words("Clock-face: eight_thirty, 3 OCLOCK é") == ["clock", "face", "eight", "thirty", "3", "oclock", "é"]


@pytest.mark.parametrize("captions", ["red heart", [1, 2], [None]])
def test_captions_are_a_list_of_texts(captions):
    with pytest.raises(ValueError, match="captions is .*; it must be a list of texts"):
        text_features(captions)


def test_only_keeps_whole_words(emoji):
    data = gl.Images(
        torch.zeros(4, 1, 8, 8, dtype=torch.uint8),
        torch.arange(4),
        captions=("Arrow up", "two arrows", "bow, arrow", ""),
    )
    assert data.only(["arrow"]).y.tolist() == [0, 2] and data.only(("up", "two")).y.tolist() == [0, 1]
    with pytest.raises(ValueError, match="no caption of images holds one of these words"):
        data.only(["row"])
    with pytest.raises(ValueError, match="only is given, but mnist5k has no captions"):
        gl.load("mnist5k", only=["seven"])
    assert all(set(caption.replace(",", "").split()) & set(EMOJI_KINDS) for caption in emoji.captions)


def test_compositions_are_withheld_but_their_words_are_not():
    train, test = (gl.load("emoji", split, 16, only=EMOJI_KINDS) for split in ("train", "test"))
    seen = {word for caption in train.captions for word in words(caption)}
    for caption in gl.data.EMOJI_COMPOSITIONS:
        assert caption in test.captions and caption not in train.captions and set(words(caption)) <= seen, caption
    assert 2 * len(train) < len(gl.load("emoji", size=16, only=gl.data.EMOJI_MORE)) < 1494


def test_a_batch_of_captioned_pictures_brings_their_vectors(emoji):
    assert emoji.y is None
    x, y = next(emoji.batches(8, seed=1, labels=True))
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1_000_003))[:8]
    assert torch.equal(y, text_features([emoji.captions[i] for i in order]))
    part = emoji.subset(order)
    assert torch.equal(next(part.batches(8, labels=True)).y.sum(0), y.sum(0))  # and not those of the whole set
    assert torch.equal(x.sum(0), next(emoji.batches(8, seed=1)).sum(0))


# GAN-INT-CLS


class Inner(torch.nn.Module):
    """A discriminator whose logit is a product of the picture's mean colour and the text's first three numbers."""

    def __init__(self, gain=1.0):
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(gain))

    def features(self, x):
        return x.mean(dim=(2, 3))

    def judge(self, features, y):
        return self.gain * (features * y[:, :3]).sum(1)

    def forward(self, x, y):
        return self.judge(self.features(x), y)


class Painter(torch.nn.Module):
    """A picture of one colour: three numbers of the text, times one that is learnt."""

    def __init__(self, brightness=0.5):
        super().__init__()
        self.brightness = torch.nn.Parameter(torch.tensor(brightness))

    def forward(self, z, y):
        return (self.brightness * y[:, :3])[:, :, None, None].expand(-1, -1, 4, 4)


def painted(**settings):
    sgd = dict(g_optimizer=lambda p: torch.optim.SGD(p, lr=1.0), d_optimizer=lambda p: torch.optim.SGD(p, lr=1.0))
    examples = dict(examples=torch.zeros(2, 256))
    return gan_int_cls.TextGAN(Painter(), Inner(), NON_SATURATING, 2, **sgd, **examples, **settings)


def colours():
    """Two pictures, each of its text's colour, red and green."""
    y = torch.zeros(2, 256)
    y[0, 0] = y[1, 1] = 1
    return gl.data.Labelled(y[:, :3, None, None].expand(-1, -1, 4, 4), y)


def softplus(a):
    return math.log1p(math.exp(a))


@pytest.mark.parametrize("matching", [True, False])
def test_the_matching_aware_loss_by_hand(matching):
    """log s_r + (log(1 - s_w) + log(1 - s_f)) / 2, where s_w is a real picture's with the other text."""
    game = painted(matching=matching)
    logs = game.discriminator_step(colours())
    # with gain 1: right 1, fake 0.5, wrong 0
    right, fake, wrong = softplus(-1), softplus(0.5), softplus(0)
    assert logs["d_loss"].item() == pytest.approx(right + ((wrong + fake) / 2 if matching else fake), rel=1e-5)
    assert ("d_wrong" in logs) == matching
    sigmoid = lambda a: 1 / (1 + math.exp(-a))  # noqa: E731
    # d/dgain: the wrong text's logit is 0 whatever the gain
    slope = -sigmoid(-1) + sigmoid(0.5) * 0.5 * (0.5 if matching else 1)
    assert game.discriminator.gain.item() == pytest.approx(1 - slope, rel=1e-5)


def test_a_wrong_text_lowers_d(emoji):
    """After some steps a real picture is judged higher with its own text than with another; without CLS less often."""
    below = {}
    for matching in (True, False):
        gl.seed_everything(0)
        game = gl.build("gan_int_cls", emoji, matching=matching, width=8, lr=1e-3)
        gl.fit(game, emoji, 100, 32)
        game.eval()
        x, y = next(emoji.batches(64, labels=True))
        with torch.no_grad():
            gaps = game.discriminator(x, y) - game.discriminator(x, gan_int_cls.others(y))
        below[matching] = (gaps > 0).float().mean().item()
    assert below[True] > 0.75 and below[False] < below[True] - 0.1, below


def test_interpolated_texts_by_hand():
    """As many fakes of halfway texts as of real ones, in one loss (Eq. 5, beta = 1/2)."""
    game, plain_game = painted(interpolated=True), painted()
    # red and green alone: fake 0.5, judged 0.5; both halfway: (0.25, 0.25), judged 2 * 0.25 * 0.5 = 0.25
    loss = plain_game.generator_step(colours())["g_loss"].item()
    assert loss == pytest.approx(softplus(-0.5), rel=1e-5)
    assert game.generator_step(colours())["g_loss"].item() == pytest.approx(
        (softplus(-0.5) + softplus(-0.25)) / 2, rel=1e-5
    )


def test_halfway_between_equal_texts_is_the_text():
    game, seen = painted(interpolated=True), []
    game.generator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1]))
    x, y = colours()
    game.generator_step(gl.data.Labelled(x, y[:1].expand(2, -1)))
    assert torch.equal(seen[0], y[:1].expand(4, -1))


def test_texts_are_drawn_by_name(emoji):
    gl.seed_everything(0)
    game = gl.build("gan_int_cls", emoji, width=4)
    one = game.sample(3, seed=0, y="red heart")
    assert torch.equal(one, game.sample(3, seed=0, y=["red heart"] * 3))
    assert torch.equal(one, game.sample(3, seed=0, y=text_features(["red heart"])[0]))
    assert not torch.equal(one, game.sample(3, seed=0, y="blue heart"))
    with pytest.raises(ValueError, match=r"y has shape \(2, 256\); it must be \(3, 256\)"):
        game.sample(3, y=["red heart", "blue heart"])


def test_the_learnt_encoder_stands_still(emoji):
    gl.seed_everything(0)
    game = gl.build("gan_int_cls", emoji, encoder="learnt", width=4)
    buffers = dict(game.named_buffers())
    before = {name: buffers[name].clone() for name in buffers if "weight" in name}
    assert len(before) == 4  # two layers in each player
    gl.fit(game, emoji, 3, 16)
    assert all(torch.equal(value, dict(game.named_buffers())[name]) for name, value in before.items())
    heard = gan_int_cls.heard("learnt")
    assert heard(text_features(list(emoji.captions))).norm(dim=1).tolist() == pytest.approx([8.0] * 64, rel=1e-4)


@pytest.mark.parametrize("system", ["gan_int_cls", "stackgan"])
def test_bad_arguments_of_texts(system, emoji):
    digits = gl.load("mnist5k", size=16).take(20)
    for data in (digits, gl.Images(digits.x, None, "bare")):
        with pytest.raises(ValueError, match="has no captions; a game of texts needs captions, or y of shape"):
            gl.build(system, data, width=4)
    with pytest.raises(ValueError, match="encoder is 'bert'; it must be hashed or learnt"):
        gl.build(system, emoji, width=4, encoder="bert")
    game = gl.build(system, SHAPE, width=4)
    assert game.sample(2, seed=0, y="heart").shape == (2, *SHAPE)


# StackGAN


def test_the_divergence_against_an_integral():
    augmentation = stackgan.Augmentation(torch.nn.Identity()).double()
    y = 8 * torch.nn.functional.normalize(
        torch.randn(2, 256, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    )
    mu, log_sigma = augmentation(y)
    x = torch.linspace(-12, 12, 200_001, dtype=torch.float64)[:, None]
    for row in range(2):
        sigma = log_sigma[row].exp()
        log_p = -((x - mu[row]) / sigma).square() / 2 - log_sigma[row] - math.log(2 * math.pi) / 2
        log_q = -x.square() / 2 - math.log(2 * math.pi) / 2
        integral = torch.trapezoid(log_p.exp() * (log_p - log_q), x, dim=0).sum()
        assert augmentation.divergence(y)[row].item() == pytest.approx(integral.item(), rel=1e-6)


def test_what_is_heard_is_drawn_around_the_text():
    torch.manual_seed(0)
    augmentation = stackgan.Augmentation(torch.nn.Identity())
    y = text_features(["red heart"])
    mu, log_sigma = augmentation(y)
    noise = torch.randn(20_000, stackgan.TEXT)
    c = augmentation.draw(y.expand(20_000, -1), noise)
    assert torch.allclose(c.mean(0), mu[0], atol=0.01) and torch.allclose(c.std(0), log_sigma[0].exp(), rtol=0.05)
    assert torch.equal(augmentation.draw(y, noise[:1, :0]), mu)
    assert log_sigma.mean().item() == pytest.approx(stackgan.LOG_SIGMA, abs=0.2)


def stages(emoji, large, **settings):
    gl.seed_everything(0)
    first = gl.build("stackgan", emoji, width=4, latent_dim=10, **settings)
    return first, gl.build("stackgan", large, stage=2, first=first, width=4, **settings)


def test_the_second_stage_draws_over_the_first(emoji, large):
    first, second = stages(emoji, large)
    assert second.sample(2, seed=0).shape == (2, 3, 32, 32)
    z, y = second.latent(4), text_features(["red heart"]).expand(4, -1)
    sketch = second.generator.sketch(z, y)
    assert torch.equal(sketch, first.generate(z[:, : 10 + 64], y))  # Stage I's own latents, in eval mode
    frozen = {name: value.clone() for name, value in second.generator.first.state_dict().items()}
    gl.fit(second, large, 3, 16, ema=0.9)
    assert all(torch.equal(value, second.generator.first.state_dict()[name]) for name, value in frozen.items())
    assert not any(p is q for p in first.parameters() for q in second.parameters())


def test_no_z_in_the_second_stage(emoji, large):
    """Its picture depends on its sketch, on the text and on the noise of its own c alone."""
    _, second = stages(emoji, large, augmented=False)
    assert second.latent_dim == 10  # Stage I's z; without an augmentation there is nothing else to draw
    y = text_features(["red heart"]).expand(2, -1)
    second.generator.first = torch.nn.Module()
    second.generator.first.forward = lambda z, y: torch.zeros(len(z), 3, 16, 16)
    a, b = second.run(torch.randn(2, 10), y), second.run(torch.randn(2, 10), y)
    assert torch.equal(a, b)


def test_lambda_times_the_divergence_is_in_the_loss(emoji):
    """One SGD update of the augmentation's weights is the loss's gradient plus lambda times the divergence's."""
    gl.seed_everything(0)
    game = gl.build("stackgan", emoji, width=4, latent_dim=10, lambda_kl=0.3)
    layer = game.generator.augmentation.layers[1]
    batch = next(emoji.batches(8, labels=True))
    torch.manual_seed(1)
    fake = game.generator(game.batch_latent(8), batch.y)
    loss = game.objective.g_loss(game.discriminator(fake, batch.y)).mean()
    loss = loss + 0.3 * game.generator.augmentation.divergence(batch.y).mean()
    wanted = layer.weight.detach() - torch.autograd.grad(loss, layer.weight)[0]
    game.optimizers["generator"] = torch.optim.SGD(game.generator.parameters(), lr=1.0)
    torch.manual_seed(1)
    game.generator_step(batch)
    torch.testing.assert_close(layer.weight.detach(), wanted, rtol=1e-4, atol=1e-6)


def test_stages_that_do_not_fit(emoji, large):
    first, _ = stages(emoji, large)
    with pytest.raises(
        ValueError, match=r"first makes images \(3, 16, 16\); below \(3, 16, 16\) it must make \(3, 8, 8\)"
    ):
        gl.build("stackgan", emoji, stage=2, first=first, width=4)
    with pytest.raises(ValueError, match="stage is 2; first= is the trained game below stage 2"):
        gl.build("stackgan", large, stage=2, width=4)
    with pytest.raises(ValueError, match="stage is 1; first= is"):
        gl.build("stackgan", large, first=first, width=4)
    with pytest.raises(ValueError, match="stage is 3; it must be 1 or 2"):
        gl.build("stackgan", large, stage=3, width=4)
    with pytest.raises(ValueError, match="lambda_kl is -1; it must not be negative"):
        gl.build("stackgan", large, lambda_kl=-1, width=4)


def test_a_stage_two_that_was_stopped_goes_on_to_the_bit(emoji, large, tmp_path):
    _, whole = stages(emoji, large)
    gl.fit(whole, large, 6, 16, ema=0.9)
    for steps in (3, 6):
        _, again = stages(emoji, large)
        gl.fit(again, large, steps, 16, ema=0.9, checkpoint=tmp_path / "two.pt", every=3)
    assert torch.equal(whole.sample(2, seed=0), again.sample(2, seed=0))
    state = whole.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())
