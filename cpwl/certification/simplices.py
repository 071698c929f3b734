"""From a partition of a line, or of a space of three and more dimensions, to its certificate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..backends.lattice.arrangement import LatticeArrangement
from ..errors import InternalError, VerificationError
from ..partitions.compute import partition
from ..partitions.partition import Partition
from ..tiling.states import Progress
from ..tiling.tiling import Tiling
from .certificate import Certificate
from .spaces import Lifted, proved


def certified(part: Tiling, progress: Progress | None) -> Certificate:
    """The certificate of a partition; see ``certify``."""
    for candidate in _candidates(part):
        try:
            return _certificate(part, candidate, progress)
        except (InternalError, VerificationError) as error:
            reason = error
    raise VerificationError(f"exact arithmetic finds no proof, a defect of the library: {reason}") from reason


def _candidates(part: Tiling) -> Iterator[Tiling]:
    """The partition itself, if its decisions were exact; the same by exact predicates; by the exact backend."""
    if isinstance(part.arrangement, LatticeArrangement) and (part.arrangement.exact or part.walls is not None):
        yield part
    else:
        yield partition(part.network, part.domain)
    yield partition(part.network, part.domain, backend="exact")


def _certificate(part: Tiling, candidate: Tiling, progress: Progress | None) -> Certificate:
    """The certificate that a partition with exact decisions makes, with the regions that are as they were first."""
    source = np.arange(len(part)) if candidate is part else sources(part, candidate)
    order = np.lexsort((source, source < 0))
    lifted = Lifted.of(candidate)
    if candidate is not part:
        lifted = lifted.take(order)
    listing = lifted.triangulation()
    exact: Partition = proved(part.network, part.domain, lifted, listing, progress)
    wrong = np.setdiff1d(np.arange(len(part)), source)
    return Certificate(part.network, part.domain, listing, wrong, np.flatnonzero(source[order] < 0), exact)


def sources(part: Tiling, candidate: Tiling) -> NDArray[np.int64]:
    """For each region of a partition the one of another with its pattern and as many corners, or -1."""
    known = {key: i for i, key in enumerate(_keys(part))}
    return np.array([known.get(key, -1) for key in _keys(candidate)], np.int64)


def _keys(part: Tiling) -> list[tuple[bytes, int]]:
    """What tells regions apart, and when they differ."""
    patterns = part.patterns()
    return [(row.tobytes(), int(count)) for row, count in zip(patterns, part.regions.counts, strict=True)]
