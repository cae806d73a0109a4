"""Measures of how good a set of generated images is, and how far each can be trusted."""

from ganlib.metrics.battles import Null, Tournament, bradley_terry, null, tournament
from ganlib.metrics.conditional import OfClass, by_class, class_agreement
from ganlib.metrics.features import Extractor, digits, fashion, inception
from ganlib.metrics.fid_score import fid, fid_infinity
from ganlib.metrics.frechet import FeatureStats, frechet_distance
from ganlib.metrics.gam import Battle, Cell, battle_winner, error_rate, gam
from ganlib.metrics.neighbours import nearest_neighbours
from ganlib.metrics.rates import Rate
from ganlib.metrics.scores import (
    Coverage,
    Score,
    inception_score,
    kid,
    mode_coverage,
    precision_recall,
    sliced_wasserstein,
)

__all__ = [
    "Battle",
    "Cell",
    "Coverage",
    "Extractor",
    "FeatureStats",
    "Null",
    "OfClass",
    "Rate",
    "Score",
    "Tournament",
    "battle_winner",
    "bradley_terry",
    "by_class",
    "class_agreement",
    "digits",
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
    "nearest_neighbours",
    "null",
    "precision_recall",
    "sliced_wasserstein",
    "tournament",
]
