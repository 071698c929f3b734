"""Tests of ``cpwl/fields``."""
