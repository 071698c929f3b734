"""Tests of ``cpwl/numbers``."""
