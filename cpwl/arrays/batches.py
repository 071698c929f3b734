"""Ranges of rows that fit in memory together."""

from __future__ import annotations

from collections.abc import Iterator

EXACT = 1 << 19
"""Entries of one exact field that are held at once: about a hundred bytes each."""


def batches(rows: int, width: int, entries: int = EXACT) -> Iterator[slice]:
    """Consecutive ranges of rows, each of ``width`` entries, that are handled at once: so many entries, or one row."""
    size = max(1, entries // max(width, 1))
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))
