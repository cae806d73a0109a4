"""Stable rank normalisation (Sanyal et al. 2020): DCGAN's discriminator with less and less room."""

from ganlib.claims.claim import FASTER, SHORT, Arm, Claim

PLAIN = dict(system="dcgan", lr=2e-4 * FASTER, updates=SHORT)
SHARES = (0.1, 0.3, 0.5)
ARMS: dict[str, Arm] = {
    "D with batch norm": PLAIN,
    "D with spectral norm": PLAIN | dict(spectral_norm=True),
    **{f"D with stable rank {c}": PLAIN | dict(stable_rank=c) for c in SHARES},
    # a survey has it that spectral norm is for the generator's weights
    "G with spectral norm": PLAIN | dict(generator_norm=True),
}
CLAIMS = [
    *(Claim(f"SV-SRN-C1{letter}", f"held at a stable rank of {c} of the full, the discriminator leads to a lower FID "
            "than with spectral norm alone", f"D with stable rank {c}", ("D with spectral norm",), "last_fid")
      for letter, c in zip("abc", SHARES)),
    Claim("SV-SRN-C2", "spectral norm in the discriminator leads to a lower FID than batch norm",
          "D with spectral norm", ("D with batch norm",), "last_fid"),
    Claim("SV-SRN-C3", "spectral norm in the generator lowers the FID",
          "G with spectral norm", ("D with batch norm",), "last_fid"),
]  # fmt: skip
