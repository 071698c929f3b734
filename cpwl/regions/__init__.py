"""Regions of a tiling one by one: exact maps, sympy objects, linear regions, the dual graph."""
