"""Measures of how good a set of generated images is."""
