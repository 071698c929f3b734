"""Tests of ``cpwl/certification``."""
