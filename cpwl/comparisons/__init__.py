"""Comparisons: two partitions of one domain, and a network run in floating point beside its exact self."""
