"""Measures of how good a set of generated images is, and how far each can be trusted."""

from ganlib.metrics.battles import Null, Tournament, bradley_terry, null, tournament
from ganlib.metrics.conditional import OfClass, by_class, class_agreement
from ganlib.metrics.features import Extractor, digits, emoji_kinds, fashion, inception
from ganlib.metrics.fid_score import fid, fid_infinity
from ganlib.metrics.frechet import FeatureStats, frechet_distance
from ganlib.metrics.gam import Battle, Cell, battle_winner, error_rate, gam
from ganlib.metrics.neighbours import nearest_neighbours
from ganlib.metrics.rates import Rate
from ganlib.metrics.scales import ms_ssim, sliced_wasserstein
from ganlib.metrics.scores import (
    Coverage,
    Score,
    inception_score,
    kid,
    mode_coverage,
    precision_recall,
)
from ganlib.metrics.text import OracleScore, bleu, copied, oracle_nll, perplexity, self_bleu

__all__ = [
    "Battle",
    "Cell",
    "Coverage",
    "Extractor",
    "FeatureStats",
    "Null",
    "OfClass",
    "OracleScore",
    "Rate",
    "Score",
    "Tournament",
    "battle_winner",
    "bleu",
    "bradley_terry",
    "by_class",
    "class_agreement",
    "copied",
    "digits",
    "emoji_kinds",
    "error_rate",
    "fashion",
    "fid",
    "fid_infinity",
    "frechet_distance",
    "gam",
    "inception",
    "inception_score",
    "kid",
    "mode_coverage",
    "ms_ssim",
    "nearest_neighbours",
    "null",
    "oracle_nll",
    "perplexity",
    "precision_recall",
    "self_bleu",
    "sliced_wasserstein",
    "tournament",
]
