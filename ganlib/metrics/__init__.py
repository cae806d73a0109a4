"""Measures of how good a set of generated images is, and how far each can be trusted."""

from ganlib.metrics.features import Extractor, digits, fashion, inception
from ganlib.metrics.fid_score import fid, fid_infinity
from ganlib.metrics.frechet import FeatureStats, frechet_distance
from ganlib.metrics.neighbours import nearest_neighbours
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
    "Coverage",
    "Extractor",
    "FeatureStats",
    "Score",
    "digits",
    "fashion",
    "fid",
    "fid_infinity",
    "frechet_distance",
    "inception",
    "inception_score",
    "kid",
    "mode_coverage",
    "nearest_neighbours",
    "precision_recall",
    "sliced_wasserstein",
]
