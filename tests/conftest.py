"""Settings that all tests share."""

from __future__ import annotations

import importlib.util
import os

import pytest
from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure() -> None:
    """In CI the tests that need pycddlib must run, not be skipped."""
    if os.environ.get("CI") and importlib.util.find_spec("cdd") is None:
        pytest.exit(
            "CI needs pycddlib: install cpwl[cdd] with libcdd-dev and libgmp-dev (scripts/setup dev).", returncode=4
        )
