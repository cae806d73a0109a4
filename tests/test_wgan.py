"""WGAN and WGAN-GP: the papers' settings, and a critic in which no sample feels another."""

import pytest
import torch
from torch import nn

import ganlib as gl


def test_settings_are_the_papers():
    wgan, penalised = gl.build("wgan", (3, 32, 32), width=8), gl.build("wgan_gp", (3, 32, 32), width=8)
    assert (wgan.clip, wgan.n_critic, wgan.penalty) == (0.01, 5, 0)
    assert (penalised.clip, penalised.n_critic, penalised.penalty) == (None, 5, 10)
    for optimizer in wgan.optimizers.values():
        assert isinstance(optimizer, torch.optim.RMSprop) and optimizer.param_groups[0]["lr"] == 5e-5
    for optimizer in penalised.optimizers.values():
        assert isinstance(optimizer, torch.optim.Adam) and optimizer.param_groups[0]["lr"] == 1e-4
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.9)


def test_clipped_weights_stay_clipped():
    images = gl.load("mnist5k", size=16).take(64)
    gan = gl.build("wgan", images.shape, width=4)
    gan.step(images.batches(16))
    assert max(p.abs().max() for p in gan.discriminator.parameters()) <= 0.01


@pytest.mark.parametrize(
    "settings",
    [{}, dict(networks="resnet"), dict(networks="resnet", layer_norm_critic=True), dict(networks="perceptron")],
    ids=["dcgan", "resnet", "resnet with layer norm", "perceptron"],
)
@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 32, 32), (3, 32, 32)], ids=str)
def test_no_sample_feels_another(settings, shape):
    gan = gl.build("wgan_gp", shape, width=4, **settings)
    x = gan.sample(3, seed=0).requires_grad_()
    logits = gan.discriminator(x)
    assert logits.shape == (3,) and x.shape == (3, *shape)
    (gradient,) = torch.autograd.grad(logits[1], x)
    assert gradient[1].abs().sum() > 0 and (gradient[[0, 2]] == 0).all()
    assert not any(isinstance(m, nn.BatchNorm2d) for m in gan.discriminator.modules())


def test_resnet_of_the_paper():
    """Gulrajani et al., appendix C: 128 maps, 4x4 to 32x32 in three blocks; the critic down to 8x8 in two of four."""
    gan = gl.build("wgan_gp", (3, 32, 32), networks="resnet")
    sides = []
    for block in [*gan.generator.layers, *gan.discriminator.blocks]:
        if hasattr(block, "resample"):
            block.register_forward_hook(lambda m, i, o: sides.append(tuple(o.shape[1:])))
    gan.discriminator(gan.sample(1, seed=0))
    assert sides == [(128, s, s) for s in (8, 16, 32, 16, 8, 8, 8)]


def test_unknown_networks():
    with pytest.raises(ValueError, match="networks is 'vgg'; it must be 'dcgan', 'resnet' or 'perceptron'"):
        gl.build("wgan_gp", (1, 32, 32), networks="vgg")
