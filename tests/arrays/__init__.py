"""Tests of ``cpwl/arrays``."""
