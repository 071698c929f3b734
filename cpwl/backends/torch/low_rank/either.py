"""Two arithmetics behind one: fields of low rank, and fields held by their rows, each by its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....fields.arithmetic import Arithmetic
from ....fields.spans import Ranges
from ....geometry.arrangement import Refinement
from ....network.network import Node
from ..fields.arithmetic import TorchArithmetic
from ..fields.field import FloatField
from ..refinement.float_refinement import FloatRefinement
from .arithmetic import LowRankArithmetic
from .field import LowRankField, Recipe


class EitherArithmetic(Arithmetic[Any]):
    """The arithmetic of a sweep whose fields are of low rank as long as few units bend, and held by their rows after.

    All fields that are live at one time are of one kind.
    """

    def __init__(self, low_rank: LowRankArithmetic, by_rows: TorchArithmetic) -> None:
        self._low_rank, self._by_rows = low_rank, by_rows

    def _of(self, field: Any) -> Any:
        """The arithmetic of a field."""
        return self._low_rank if isinstance(field, (LowRankField, Recipe)) else self._by_rows

    def _of_cut(self, cut: Refinement[Any]) -> Any:
        """The arithmetic of the functions that an arrangement was cut by."""
        return self._by_rows if isinstance(cut, FloatRefinement) else self._low_rank

    @property
    def by_rows(self) -> TorchArithmetic:
        """See ``Arithmetic.by_rows``."""
        return self._by_rows

    def points(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> FloatField:
        """Points by their own rows."""
        return self._by_rows.points(values, error=error)

    def tangents(self, values: NDArray[Any], *, error: NDArray[np.float64] | None = None) -> FloatField:
        """Tangents by their own rows."""
        return self._by_rows.tangents(values, error=error)

    def stack(self, fields: Sequence[FloatField]) -> FloatField:
        """The rows of several fields given by their values, one after the other."""
        return self._by_rows.stack(fields)

    def take(self, field: Any, rows: NDArray[np.int64]) -> Any:
        """See ``Arithmetic.take``."""
        return self._of(field).take(field, rows)

    def explicit(self, field: Any) -> Any:
        """See ``Arithmetic.explicit``."""
        return self._of(field).explicit(field)

    def replaced(self, field: Any, rows: NDArray[np.int64], anew: Any) -> Any:
        """See ``Arithmetic.replaced``."""
        return self._of(field).replaced(field, rows, anew)

    # ---- operators -------------------------------------------------------------------------------------------------
    def linear(self, node: Node, inputs: Sequence[Any]) -> Any:
        """See ``Arithmetic.linear``; with the domain's embedding fields of low rank begin."""
        if node is self._low_rank.embedding:
            return self._low_rank.begun(inputs[0])
        return self._of(inputs[0]).linear(node, inputs)

    def activate(self, node: Node, x: Any, *, consuming: bool = False) -> Any:
        """See ``Arithmetic.activate``."""
        return self._of(x).activate(node, x, consuming=consuming)

    def activated(
        self, node: Node, cut: Refinement[Any], vertices: NDArray[np.int64] | None, *, any_rounding: bool
    ) -> Any:
        """See ``Arithmetic.activated``."""
        return self._of_cut(cut).activated(node, cut, vertices, any_rounding=any_rounding)

    def streamed(self, node: Node, cut: Refinement[Any]) -> Any:
        """See ``Arithmetic.streamed``."""
        return self._of_cut(cut).streamed(node, cut)

    def noting_zeros(self, node: Node, x: Any, y: Any) -> Any:
        """See ``Arithmetic.noting_zeros``."""
        return self._of(x).noting_zeros(node, x, y)

    def on_pieces(self, node: Node, x: Any, pieces: NDArray[np.int64]) -> Any:
        """See ``Arithmetic.on_pieces``; those of a field of low rank are (1, units)."""
        return self._of(x).on_pieces(node, x, pieces)

    def maximum(self, x: Any, y: Any, cut: Refinement[Any]) -> Any:
        """See ``Arithmetic.maximum``."""
        return self._of(x).maximum(x, y, cut)

    def chosen(self, fields: Sequence[Any], columns: NDArray[np.int64]) -> Any:
        """See ``Arithmetic.chosen``."""
        return self._of(fields[0]).chosen(fields, columns)

    def difference(self, x: Any, y: Any) -> Any:
        """See ``Arithmetic.difference``."""
        return self._of(x).difference(x, y)

    def settled_maximum(self, node: Node, argument: Any, winners: NDArray[np.int16], maximum: Any) -> Any:
        """See ``Arithmetic.settled_maximum``."""
        return self._of(argument).settled_maximum(node, argument, winners, maximum)

    # ---- fields of a block -----------------------------------------------------------------------------------------
    def ranges(self, field: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """See ``Arithmetic.ranges``."""
        bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None = self._of(field).ranges(field)
        return bounds

    def rank(self, live: Mapping[int, Any]) -> int:
        """See ``Arithmetic.rank``."""
        return max((x.coefficients.columns for x in live.values() if isinstance(x, LowRankField)), default=0)

    def sharpened(self, live: dict[int, Any], node: Node) -> dict[int, Any]:
        """See ``Arithmetic.sharpened``."""
        fields: dict[int, Any] = self._of(live[node.inputs[0]]).sharpened(live, node)
        return fields

    def narrowed(self, live: dict[int, Any], ranges: Callable[[], Ranges]) -> dict[int, Any]:
        """See ``Arithmetic.narrowed``."""
        if any(isinstance(x, FloatField) for x in live.values()):
            return live
        return dict(self._low_rank.narrowed(live, ranges()))
