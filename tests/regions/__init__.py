"""Tests of ``cpwl/regions``."""
