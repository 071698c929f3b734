"""Warnings that point at the line that called the library, however deep in it they come up."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

_PACKAGE = os.fspath(Path(__file__).parents[1]) + os.sep


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """``warnings.warn`` with the innermost line outside of the library as its place."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
