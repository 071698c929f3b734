"""Tests of ``cpwl/storage``."""
