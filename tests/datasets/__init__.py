"""Tests of ``cpwl/datasets``."""
