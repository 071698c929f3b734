"""Tests of ``cpwl/statistics``."""
