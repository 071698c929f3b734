"""Arrangements of any dimension in float64: lattices with rows that carry error bounds, and exact decisions."""
