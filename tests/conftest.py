"""Settings that all tests share."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before torch is imported, here or in processes that a test starts: as many threads each as there are cores would
    # wait for one another, spinning; two large networks side by side then take eight times as long.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure() -> None:
    """In CI the tests that need pycddlib must run, not be skipped."""
    if os.environ.get("CI") and importlib.util.find_spec("cdd") is None:
        pytest.exit(
            "CI needs pycddlib: install cpwl[cdd] with libcdd-dev and libgmp-dev (scripts/setup dev).", returncode=4
        )


@pytest.fixture(autouse=True)
def the_environment_stays() -> Iterator[None]:
    """What a test, or a library that it calls, sets in the environment is not there for those after it.

    dask's cluster, for one, writes ``OPENBLAS_NUM_THREADS=1`` and leaves it.
    """
    with mock.patch.dict(os.environ):
        yield
