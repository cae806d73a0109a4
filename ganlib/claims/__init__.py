"""The papers' claims, tested; see ``python -m ganlib.claims --help``."""

from ganlib.claims.claim import SIZE, Claim
from ganlib.claims.engine import (
    RESULTS,
    WEIGHTS,
    about,
    interval,
    keep,
    kept,
    results,
    start,
    summary,
    table,
    test,
    train,
    trained,
    verdict,
)
from ganlib.claims.ledger import ARMS, BATTLES, CLAIMS, MEASURES

__all__ = [
    "ARMS", "BATTLES", "CLAIMS", "MEASURES", "RESULTS", "SIZE", "WEIGHTS", "Claim",
    "about", "interval", "keep", "kept", "results", "start", "summary", "table", "test", "train",
    "trained", "verdict",
]  # fmt: skip
