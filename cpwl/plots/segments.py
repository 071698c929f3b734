"""Pictures of a network along a segment; see ``plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..partitions.segment_pieces import SegmentPieces
from ..runtime.ieee import ieee
from ..runtime.inputs import flag, indices, instance, whole
from .figures import flat_axes
from .palette import dark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAINT = 4
"""Breakpoints per inch from which on their marks are thinner."""


@ieee
def plot_segment(
    pieces: SegmentPieces,
    segment: int,
    *,
    outputs: ArrayLike | None = None,
    breakpoints: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """The outputs (all by default) along one segment against t: exactly the polygons that they are.

    Breakpoints are marked along the lower edge. With several outputs a band along the upper edge has the colour of the
    largest one.
    """
    instance("pieces", pieces, SegmentPieces, "Call cpwl.segments first.")
    i = whole("segment", segment, 0, len(pieces) - 1)
    chosen = (
        np.arange(pieces.network.outputs) if outputs is None else indices("outputs", outputs, pieces.network.outputs)
    )
    flag("breakpoints", breakpoints)
    ax = flat_axes(ax, (7.0, 3.6))
    rows = slice(*pieces.positions.offsets[i : i + 2])
    for k in chosen.tolist():
        ax.plot(pieces.positions[i], pieces.values[rows, k], color=dark(k), lw=1.4, label=f"output {k}")
    if breakpoints:
        ax.vlines(
            pieces.breakpoints[i], 0, 0.03, transform=ax.get_xaxis_transform(), **_marks(len(pieces.breakpoints[i]))
        )
    if pieces.network.outputs > 1:
        _draw_classes(ax, pieces, i)
    ax.set_xlim(0, 1)
    ax.set_xlabel("t")
    ax.set_title(f"segment {i}: {pieces.counts[i]:,} pieces, length {pieces.lengths[i]:.4g}", fontsize=10)
    if 1 < len(chosen) <= 10:
        ax.legend(fontsize=7, frameon=False, ncols=2)
    return ax


def _marks(count: int) -> dict[str, Any]:
    return {"color": "#222222", "lw": 0.9 if count <= 7 * _FAINT else 0.4}


def _draw_classes(ax: Axes, pieces: SegmentPieces, i: int) -> None:
    runs = pieces.classes
    ends = [*runs.positions[i].tolist(), 1.0]
    for k, low, high in zip(runs.classes[i].tolist(), ends, ends[1:], strict=False):
        ax.axvspan(low, high, 0.97, 1, color=dark(k), lw=0)
