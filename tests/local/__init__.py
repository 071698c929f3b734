"""Tests of ``cpwl/local``."""
