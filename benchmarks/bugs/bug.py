"""One change of the library that its tests must notice; and names of places and tests that several have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

TORCH, EXACT = "backends/torch", "backends/exact"
REFINE, LONG = f"{TORCH}/refinement", f"{TORCH}/long_numbers"
KERNELS, OPERATIONS = f"{TORCH}/kernels.pyx", f"{REFINE}/kernels/operations.py"
LADDER = "geometry/ladder.py"
LATTICE = "backends/lattice"

ORDERS = ("orders", "compiled", "predicates")
GEOMETRY = ("compiled", "predicates", "partition", "backend", "conformance")
SEQUENTIAL = ("degenerate", "repairs", "backend")
DEGENERATE = ("degenerate", "orders", "compiled", "predicates")
"""Tests that notice what goes wrong in a refinement, by where it does."""


@dataclass(frozen=True)
class Bug:
    """One change of one file of the library, and the test files that are to notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    """``orders`` stands for ``test_orders.py``, ``compiler/conv`` where several folders have a file of that name."""

    def test_files(self, root: Path) -> list[Path]:
        """Those files, below the root of a checkout."""
        return [_called(root / "tests", name) for name in self.tests]

    def planted(self, source: str) -> str:
        """The source with the bug in it."""
        count = source.count(self.old)
        if count != 1:
            raise click.ClickException(f"bug '{self.name}': its text stands {count} times in {self.file}, not once.")
        return source.replace(self.old, self.new)


def _called(tests: Path, name: str) -> Path:
    """The one test file of a name."""
    folder, _, last = name.rpartition("/")
    (file,) = (file for file in tests.rglob(f"test_{last}.py") if file.parent.match(folder or "*"))
    return file
