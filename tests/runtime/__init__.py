"""Tests of ``cpwl/runtime``."""
