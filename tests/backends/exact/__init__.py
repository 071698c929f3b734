"""Tests of ``cpwl/backends/exact``."""
