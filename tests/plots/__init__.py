"""Tests of ``cpwl/plots``."""
