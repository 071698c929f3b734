"""Tests of ``cpwl/comparisons``."""
