"""Conditional Generative Adversarial Nets (Mirza and Osindero 2014): the arm that the gallery shows."""

from ganlib.claims.claim import SIZE, Arm

ARMS: dict[str, Arm] = {
    "cgan": dict(system="cgan", classes=10, width=2 * SIZE["width"], lr=5e-4, updates=5 * SIZE["updates"]),
}
