"""Tests of ``cpwl/network``."""
