"""Tests of ``cpwl/compiler``."""
