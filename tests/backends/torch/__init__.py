"""Tests of ``cpwl/backends/torch``."""
