"""Fields of the torch backend: float64 values with a running bound on their error.

The bound is that of proofs/ (Lemma 5): one number a row bounds the 2-norm of the row's distance from its exact value
at the exact vertex. After a dense layer a sharper bound is known for each entry; it is kept in factored form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ....errors import NumericalRangeError
from ..portable import Portable

UNIT = 2.0**-53
"""The unit roundoff of float64."""

ROUND_UP = 1 + 2.0**-20
"""Covers the rounding of a bound's own evaluation: a sum of products of fewer than 2^30 non-negative terms."""

SMALLEST = 2.0**-500
"""Both factors of a non-zero bound are at least this, so that their product exceeds any underflow of the values."""


def room(rows: int, columns: int, like: Tensor) -> Tensor:
    """Memory for float64 rows on the device of ``like``.

    On the CPU it comes from numpy, which asks for huge pages: in pages of 4 KiB touching new memory takes a
    quarter of the time of a matrix product.
    """
    if like.device.type == "cpu":
        return torch.from_numpy(np.empty((rows, columns)))
    return torch.empty(rows, columns, dtype=torch.float64, device=like.device)


def gamma(operations: int) -> float:
    """gamma_k = k u / (1 - k u), the relative error of k successive roundings (Higham 2002, Lemma 3.1)."""
    return operations * UNIT / (1 - operations * UNIT)


@dataclass(frozen=True, eq=False)
class Sharp(Portable):
    """A bound for each entry: |error[v, k]| <= row[v] * column[k] + floor[k]."""

    row: Tensor
    column: Tensor
    floor: Tensor
    share: Tensor | None = None
    """If known, of each row what makes gamma(2) * |value[v, k]| <= share[v] * column[k] + floor[k]."""

    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """All that makes up the bound: row, column, floor."""
        return self.row, self.column, self.floor

    def at(self, rows: Tensor, columns: Tensor) -> Tensor:
        """The bound at the entries (rows[i], columns[i])."""
        return (self.row[rows] * self.column[columns] + self.floor[columns]) * ROUND_UP

    def all(self) -> Tensor:
        """The bound at every entry, (V, K)."""
        return (self.row[:, None] * self.column + self.floor) * ROUND_UP

    def coarse(self) -> Tensor:
        """One bound a row that holds for all of its entries, (V,)."""
        if not len(self.column):
            return torch.zeros_like(self.row)
        return (self.row * self.column.max() + self.floor.max()) * ROUND_UP

    def take(self, columns: Tensor) -> Sharp:
        """The bound of the given columns; -1 stands for one that is exactly zero."""
        return replace(self, column=taken(self.column, columns), floor=taken(self.floor, columns))

    def rows(self, rows: Tensor) -> Sharp:
        """The bounds of the given rows."""
        return replace(self, row=self.row[rows], share=None if self.share is None else self.share[rows])


@dataclass(frozen=True, eq=False)
class Scaled(Portable):
    """Bounds in the norm max_k |x[k]| / scale[k]: |error[v, k]| <= error[v] * scale[k], and the same for values.

    An operator that does not mix entries keeps them, and so does prolongation (proofs/, Lemma 5 (g)).
    """

    scale: Tensor
    """(K,), zero or at least ``SMALLEST``; zero where the values are exactly zero."""
    error: Tensor
    size: Tensor
    """|value[v, k]| <= size[v] * scale[k]."""

    @classmethod
    def of(cls, values: Tensor, sharp: Sharp) -> Scaled:
        """From a bound for each entry."""
        least = least_positive(sharp.row)
        scale = lifted((sharp.column + sharp.floor / least) * ROUND_UP)
        row = torch.where(sharp.row > 0, sharp.row, least) if bool(sharp.floor.any()) else sharp.row
        zero = (scale == 0).nonzero(as_tuple=True)[0]
        if len(zero):
            scale[zero] = SMALLEST * (values[:, zero] != 0).any(dim=0).to(scale.dtype)
        return cls(scale, row, largest_share(values, inverted(scale)))

    def take(self, columns: Tensor) -> Scaled:
        """The bounds of the given columns; -1 stands for one that is exactly zero."""
        return replace(self, scale=taken(self.scale, columns))

    def rows(self, rows: Tensor) -> Scaled:
        """The bounds of the given rows."""
        return replace(self, error=self.error[rows], size=self.size[rows])

    def sharp(self) -> Sharp:
        """The same as a bound for each entry."""
        return Sharp(self.error, self.scale, torch.zeros_like(self.scale))


def least_positive(bounds: Tensor) -> Tensor:
    """The least bound that is not 0; 1 where there is none."""
    positive = bounds[bounds > 0]
    return positive.min() if len(positive) else torch.ones((), dtype=bounds.dtype, device=bounds.device)


def inverted(scale: Tensor) -> Tensor:
    """1 / scale, rounded up; 0 for 0."""
    return torch.where(scale > 0, ROUND_UP / scale, 0.0)


def largest_share(values: Tensor, weights: Tensor) -> Tensor:
    """The largest |value| times weight of each row, rounded up; zero or at least ``SMALLEST``."""
    if not values.shape[1]:
        return values.new_zeros(len(values))
    return lifted((values.abs() * weights).amax(dim=1) * ROUND_UP)


@dataclass(frozen=True, eq=False)
class FloatField(Portable):
    """Values (V, K) in float64 and, row by row, a bound on the 2-norm of their error."""

    values: Tensor
    error: Tensor
    """(V,)"""
    sharp: Sharp | None = None
    fresh: Tensor | None = None
    """The part of ``bound().row`` that the last operation's own rounding makes up, (V,)."""
    weights: Tensor | None = None
    """Homogeneous weights (V,) of the rows; None when all are 1 (points)."""
    zeros: Tensor | None = None
    """Entries known to be exactly zero, bool (V, K); None when none are known (see ``Arithmetic.noting_zeros``)."""
    settled: tuple[Tensor, Tensor, Tensor] | None = None
    """Rows, columns and signs in {-1, 0} of entries that are certainly at most zero: a vertex was made where they are
    zero, or it was decided exactly."""
    scaled: Scaled | None = None
    """Bounds for each entry that stay with the field when it is prolonged, if wanted (``Arithmetic.by_entries``)."""
    norms: Tensor | None = None
    """Bounds on the 2-norms of the rows, if they are known, (V,)."""
    held: Tensor | None = None
    """The columns that ``values`` has, increasing, when all others are exactly zero; None when it has all."""
    width: int = 0
    """With ``held``, the number of all columns."""

    @property
    def rows(self) -> int:
        """The number of rows V."""
        return int(self.values.shape[0])

    @property
    def columns(self) -> int:
        """The number of functions K."""
        return int(self.values.shape[1]) if self.held is None else self.width

    def whole(self) -> FloatField:
        """The same with all columns."""
        if self.held is None:
            return self
        values = self.values.new_zeros(self.rows, self.width).index_copy_(1, self.held, self.values)
        return replace(self, values=values, held=None, width=0)

    @property
    def unbounded(self) -> bool:
        """Whether nothing is known of the error of any row."""
        return self.rows > 0 and bool(self.error.isinf().all())

    def check_range(self, places: Tensor, *, bounded: bool) -> None:
        """Refuses values that are not there, at some of the ``places`` (V, D): ``NumericalRangeError``.

        ``bounded``: infinite bounds are refused as well, where what they leave open is not decided exactly.
        """
        known = not bounded or bool(self.error.isfinite().all())
        if known and (not self.values.numel() or all(bool(end.isfinite()) for end in torch.aminmax(self.values))):
            return
        missing = ~torch.isfinite(self.values)
        if bounded:
            missing |= ~torch.isfinite(self.error)[:, None]
        if bool(missing.any()):
            vertex, function = missing.nonzero()[0].tolist()
            value, place = float(self.values[vertex, function]), places[vertex].tolist()
            raise NumericalRangeError(
                f"entry {function} of what the next units read is {value} in float64 at u = {place}, with an error of "
                f"at most {float(self.error[vertex]):.1e}: numbers overflow float64 on the way. Scale the "
                "network or the domain, or use the exact backend."
            )

    @classmethod
    def exactly(cls, values: NDArray[Any], device: torch.device, weight: float = 1.0) -> FloatField:
        """The field whose values are exactly the given float64 ones."""
        tensor = torch.as_tensor(np.ascontiguousarray(values, dtype=np.float64), device=device)
        weights = None if weight == 1.0 else torch.full((len(tensor),), weight, dtype=torch.float64, device=device)
        return cls(tensor, torch.zeros(len(tensor), dtype=torch.float64, device=device), weights=weights)

    def bound(self) -> Sharp:
        """A bound for each entry."""
        if self.sharp is not None:
            return self.sharp
        return self._uniform(self.error) if self.scaled is None else self.scaled.sharp()

    def rounding(self) -> Sharp:
        """What the last operation alone may have added to each entry: no bound on the whole error, its natural unit.

        A float decision treats values this small as zero, so that coincident lines stay one line.
        """
        if self.fresh is not None:
            return replace(self.bound(), row=self.fresh)
        if self.sharp is None and self.scaled is not None:
            return replace(self.scaled.sharp(), row=torch.minimum(self.scaled.error, 8 * UNIT * self.scaled.size))
        return self._uniform(torch.minimum(self.error, 8 * UNIT * row_norms(self.values)))

    def _uniform(self, row: Tensor) -> Sharp:
        ones = torch.ones(self.columns, dtype=torch.float64, device=self.values.device)
        return Sharp(row, ones, torch.zeros_like(ones))

    def signs(self) -> NDArray[np.int8]:
        """Signs (V, K) in int8; 0 where the error bound does not decide."""
        decided = self.values.sign() * (self.values.abs() > self.bound().all())
        return np.asarray(decided.to(torch.int8).cpu().numpy())

    def limits(self) -> NDArray[np.float64]:
        """Bounds on the errors of the entries, (V, K)."""
        return np.asarray(self.bound().all().cpu().numpy())

    def errors(self) -> NDArray[np.float64]:
        """Bounds on the 2-norms of the rows' errors, (V,)."""
        return np.asarray(np.nan_to_num(self.error.cpu().numpy(), nan=np.inf, posinf=np.inf))

    def to_numpy(self) -> NDArray[np.float64]:
        """The values (V, K)."""
        return np.asarray(self.whole().values.cpu().numpy())

    def take(self, rows: Tensor) -> FloatField:
        """The field of the given rows."""
        sharp = None if self.sharp is None else self.sharp.rows(rows)
        fresh = None if self.fresh is None else self.fresh[rows]
        weights = None if self.weights is None else self.weights[rows]
        zeros = None if self.zeros is None else self.zeros[rows]
        values, error = self.values[rows], self.error[rows]
        norms = None if self.norms is None else self.norms[rows]
        scaled = None if self.scaled is None else self.scaled.rows(rows)
        return FloatField(
            values, error, sharp, fresh, weights, zeros, scaled=scaled, norms=norms, held=self.held, width=self.width
        )


def stacked(fields: Sequence[FloatField]) -> FloatField:
    """The rows of several fields of points, one after the other, each with the bound on its 2-norm."""
    return FloatField(torch.cat([field.values for field in fields]), torch.cat([field.error for field in fields]))


def taken(values: Tensor, index: Tensor) -> Tensor:
    """Entries along the last axis, where the index -1 stands for zero."""
    result = values.index_select(-1, index.clamp(min=0))
    missing = index < 0
    return result.masked_fill(missing, 0.0) if bool(missing.any()) else result


def row_norms(values: Tensor) -> Tensor:
    """The 2-norms of the rows, rounded up; 0 only for a row of zeros, otherwise at least ``SMALLEST``."""
    norms: Tensor = torch.linalg.vector_norm(values, dim=1) * ROUND_UP
    large = norms.isinf().nonzero(as_tuple=True)[0]
    if len(large):
        # Squares beyond 2^1024 have overflowed: the largest entry times the root of their number is no less.
        norms[large] = values[large].abs().amax(dim=1) * (sqrt(values.shape[1]) * ROUND_UP)
    small = (norms < SMALLEST).nonzero(as_tuple=True)[0]
    if len(small):
        # Squares below 2^-1000 may have vanished: such a row is known to be smaller than SMALLEST.
        norms[small] = SMALLEST * (values[small] != 0).any(dim=1).to(norms.dtype)
    return norms


def lengths(steps: Tensor) -> Tensor:
    """The lengths of steps in the plane (V, 2), up to an ulp or two: their squares may underflow or overflow."""
    x, y = steps.unbind(1)
    lengths = (x * x + y * y).sqrt_()
    if len(lengths) and not (float(lengths.min()) > SMALLEST and float(lengths.max()) < inf):
        few = (~((lengths > SMALLEST) & (lengths < inf))).nonzero(as_tuple=True)[0]
        lengths[few] = torch.hypot(x[few], y[few])  # takes five times as long
    return lengths


def lifted(bound: Tensor) -> Tensor:
    """A factor of a bound, zero or at least ``SMALLEST`` (proofs/, Lemma 5 (f))."""
    result: Tensor = torch.where(bound > 0, bound.clamp(min=SMALLEST), bound)
    return result
