"""Arrangements of dimension 1 in float64: many segments at once, cut by all columns together."""
