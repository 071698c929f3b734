"""The call that follows a network along many segments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import BackendError, DomainError, ShapeError
from ..geometry.bundle import Bundle
from ..local.evaluate import check_compiled, input_rows
from ..network.network import Network
from ..network.operators import Conv, Max, Periodic
from ..runtime import inputs
from ..runtime.budget import checkpoint
from ..runtime.ieee import ieee
from ..runtime.inputs import one_of, optional, whole
from ..tiling.bundle import BundleTiling, bundle_tiling
from ..tiling.states import Progress
from .segment_pieces import SegmentPieces

_LEAST_MEMORY = 1 << 26
_MEMORY = 1 << 28
"""Bytes that a bundle may take if nothing else is said: more would not be faster."""

_FIELDS = 8
"""As many rows a vertex are held at once, about."""

_GUESSED = 256
"""Pieces of a segment, before one is known."""

_MOST = 1 << 14
"""Segments of a bundle; their number is kept in 16 bits."""


@ieee
def segments(
    net: Network,
    starts: ArrayLike,
    ends: ArrayLike,
    *,
    device: str | None = None,
    predicates: Literal["exact", "float"] = "exact",
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> SegmentPieces:
    """The network along segments of its input space, from ``starts`` to ``ends``: thousands at once.

    Points have shape (S, *net.input_shape); one without the first axis stands for all segments. A segment is
    x = start + t step with step = end - start rounded once, which *is* the segment: it ends within an ulp of ``end``.
    The pieces are exactly those of ``cpwl.partition`` on it: with ``predicates="exact"`` which there are, in which
    order, and which units change where is that of exact arithmetic, and only positions and values are rounded, with a
    bound each. With ``predicates="float"`` pieces that come from an undecided decision are listed in ``ambiguous``. A
    start that is its end has one piece.

    Segments go through the network in bundles, as many together as take ``memory_limit`` bytes (256 MiB by default)
    beside the result; a single one may need more. A network with a periodic activation takes all in one bundle.
    Everything is computed in float64 on ``device``. ``progress`` is called with the segments done, all of them, and
    "segments".
    """
    check_compiled(net)
    one_of("predicates", predicates, ("exact", "float"), BackendError)
    memory = optional(whole, "memory_limit", memory_limit, _LEAST_MEMORY) or _MEMORY
    inputs.progress(progress)
    bundle = _bundle(net, starts, ends)
    parts: list[BundleTiling] = []
    for some in _bundles(net, len(bundle), memory, parts):
        checkpoint()
        parts.append(bundle_tiling(net, bundle.take(some), "torch", device, predicates))
        if progress is not None:
            progress(some.stop, len(bundle), "segments")
    return SegmentPieces(tuple(parts))


def _bundle(net: Network, starts: ArrayLike, ends: ArrayLike) -> Bundle:
    """All segments."""
    first, last = (input_rows(name, points, net, exact=False) for name, points in (("starts", starts), ("ends", ends)))
    if len(first) != len(last) and 1 not in (len(first), len(last)):
        raise ShapeError(f"starts and ends must be equally many points, or one, got {len(first)} and {len(last)}.")
    if not len(first) or not len(last):
        raise ShapeError("starts and ends must be one point or more, got none.")
    first, last = (np.array(part) for part in np.broadcast_arrays(first, last))
    with np.errstate(over="ignore"):
        steps: NDArray[np.float64] = last - first
    if not np.isfinite(steps).all():
        raise DomainError("ends must be so near to starts that float64 holds their differences; one is infinite.")
    return Bundle.of(first, steps, net.input_shape)


def _bundles(net: Network, count: int, memory: int, done: list[BundleTiling]) -> Iterator[slice]:
    """Ranges of segments that go through the network together, by how many pieces there have been so far."""
    kinds = {type(node.op) for node in net.nodes}
    vertices = memory / (8 * _FIELDS * max(node.size for node in net.nodes))
    start = 0
    while start < count:
        most = max((len(part) / len(part.bundle) for part in done), default=_GUESSED)
        size = int(min(max(1, vertices / (most + 1)), _MOST))
        if Periodic in kinds:
            size = count
        elif {Max, Conv} <= kinds:  # backgrounds tie, which is known of all places at once on a single segment only
            size = 1
        yield slice(start, min(start + size, count))
        start += size
