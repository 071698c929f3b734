"""The bugs that ``seeded_bugs.py`` plants, by the part of the library in which they stand."""

from __future__ import annotations

from . import checker, exact, functions, results, torch_backend, torch_refinement
from .bug import Bug

BUGS: tuple[Bug, ...] = (
    *functions.BUGS,
    *torch_refinement.BUGS,
    *torch_backend.BUGS,
    *exact.BUGS,
    *results.BUGS,
    *checker.BUGS,
)

__all__ = ["BUGS", "Bug"]
