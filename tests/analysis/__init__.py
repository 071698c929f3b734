"""Tests of ``cpwl/analysis``."""
