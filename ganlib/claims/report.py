"""Recent Advances in GANs (Frank and Juracek): DCGAN, WGAN and WGAN-GP on equal terms; and two more baselines."""

from collections.abc import Callable

import torch

from ganlib.claims.claim import FASTER, SIZE, Arm, Claim, Run

# one latent length for the report's three, so that one seed gives them one generator
ARMS: dict[str, Arm] = {
    "vanilla": dict(system="vanilla", width=128, lr=5e-4, updates=4 * SIZE["updates"]),
    "dcgan": dict(system="dcgan", lr=2e-4 * FASTER),
    "lsgan": dict(system="lsgan", lr=2e-4 * FASTER),
    "wgan": dict(system="wgan", lr=5e-5 * FASTER),
    "wgan_gp": dict(system="wgan_gp", latent_dim=100, lr=1e-4 * FASTER),
}
CLAIMS = (
    Claim("RA-C1", "the loss of WGAN's critic is steadier than that of DCGAN's discriminator",
          "wgan", ("dcgan",), "roughness"),
    Claim("RA-C2", "DCGAN reaches a lower FID, sooner, than both Wasserstein GANs at equal generator updates",
          "dcgan", ("wgan", "wgan_gp"), "mean_fid"),
    Claim("RA-C3", "the gradient penalty ends at a lower FID than weight clipping",
          "wgan_gp", ("wgan",), "last_fid"),
)  # fmt: skip


def roughness(losses: list[float]) -> float:
    """How unsteady a loss is: the mean change from one row (ten updates) to the next over its mean size, late in a run.

    Of the second half only, and without a unit, so that losses of different scales can be compared. This is what
    "stable" means in RA-C1; it was fixed before the runs.
    """
    late = torch.tensor(losses[len(losses) // 2 :], dtype=torch.float64)
    return (late.diff().abs().mean() / late.abs().mean()).item()


MEASURES: dict[str, Callable[[Run], float]] = {"roughness": lambda run: run["roughness"]}
