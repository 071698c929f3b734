"""Tests of ``cpwl/backends``."""
