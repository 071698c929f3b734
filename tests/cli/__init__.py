"""Tests of ``cpwl/cli``."""
