"""Tests of ``cpwl/bounds``."""
