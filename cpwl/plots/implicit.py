"""Pictures of implicit solids: the level sets of a 3-D network on slices, where they lie in space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary.boundary import DecisionBoundary
from ..errors import ArgumentError, DomainError
from ..runtime.ieee import ieee
from ..tiling.tiling import Tiling
from .figures import space_axes
from .regions import INCOMPLETE

if TYPE_CHECKING:
    from mpl_toolkits.mplot3d.axes3d import Axes3D


_MARGIN = 0.03
"""Around the lines, a part of their extent."""


@ieee
def plot_stack(boundaries: Sequence[DecisionBoundary], ax: Axes3D | None = None) -> Axes3D:
    """The axes (``ax``, or those of a new figure) with boundaries on slices of a 3-D input space, drawn in that space.

    Each slice has a colour of its own, in their order; planes may lie in any direction. Raises ``ArgumentError`` for
    no boundaries, and ``DomainError`` for slices of another space.
    """
    from matplotlib import colormaps
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    if not boundaries:
        raise ArgumentError("boundaries must hold at least one: give part.decision_boundary(level=0) of each slice.")
    inputs = {boundary.partition.network.inputs for boundary in boundaries}
    if inputs != {3}:
        raise DomainError(f"boundaries must lie on slices of a 3-D space, got inputs of {max(inputs - {3})}.")
    axes: Any = space_axes(ax, (6.5, 6.0))
    shades = colormaps["viridis"](np.linspace(0.0, 0.9, len(boundaries)))
    lines = [_in_space(boundary.partition, boundary.ends) for boundary in boundaries]
    for segments, shade in zip(lines, shades, strict=True):
        if len(segments):  # matplotlib refuses a collection of none
            axes.add_collection3d(Line3DCollection(segments.reshape(-1, 2, 3), colors=[shade], linewidths=1.0))
    shown = np.concatenate(lines)
    if not len(shown):
        shown = np.concatenate([_in_space(b.partition, b.partition.domain.polytope.vertices) for b in boundaries])
    low, high = shown.min(axis=0), shown.max(axis=0)
    margin = _MARGIN * (high - low).max()
    low, high = low - margin, high + margin
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]), xlabel="x", ylabel="y", zlabel="z")
    axes.set_box_aspect(high - low)
    axes.locator_params(nbins=4)
    if not all(boundary.complete for boundary in boundaries):
        axes.set_title(INCOMPLETE)
    return axes


def _in_space(partition: Tiling, points: NDArray[Any]) -> NDArray[np.float64]:
    """Points of a slice, given by pairs of coordinates, in the input space (n, 3)."""
    flat = np.asarray(points, np.float64).reshape(-1, 2)
    return np.asarray(partition.to_input(flat)).reshape(-1, 3)
