"""Tests of ``cpwl/boundary``."""
