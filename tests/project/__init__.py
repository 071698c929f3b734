"""Tests of the repository as a whole: layers, documentation, examples, benchmarks, laws of every public call."""
