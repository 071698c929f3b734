"""Tests of ``cpwl/partitions``."""
