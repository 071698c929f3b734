"""Planar complexes as tensors: cells and edges, taken apart, joined, located, measured."""
