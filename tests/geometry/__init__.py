"""Tests of ``cpwl/geometry``."""
