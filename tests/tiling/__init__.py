"""Tests of ``cpwl/tiling``."""
