"""Tests of the repository as a whole: its layers, documentation, examples, benchmarks, and laws of every public call."""
