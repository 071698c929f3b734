"""Pooling: the windows of every output entry as lists of positions along each axis, then a maximum or a mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedLayerError
from ..builder import Builder, Handler, Result, Value, entries
from .conv import per_axis

Windows = list[range]
"""The positions along one axis that each output entry reads."""


def max_pool(
    b: Builder,
    x: Value,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
    *,
    dims: int,
) -> Value:
    """The maximum over each window; padding counts for nothing, as if it were minus infinity."""
    return largest_in(b, x, _sliding(x, dims, kernel, stride, padding, dilation, ceil_mode))


def adaptive_max_pool(b: Builder, x: Value, output: Sequence[int], *, dims: int) -> Result:
    """The maximum over a given number of windows; where it is attained cannot be used."""
    return (_largest(b, x, _adaptive(x, output, dims)), None)


def mean_pool(
    b: Builder,
    x: Value,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    dims: int,
) -> Value:
    """The sum over each window, divided exactly by the number of entries that count."""
    sliding = _sliding(x, dims, kernel, stride, padding, (1,), ceil_mode)
    if divisor_override is not None:
        return b.divide(sum_in(b, x, sliding), divisor_override)
    return mean_in(b, x, sliding, padding_counts=count_include_pad)


def largest_in(b: Builder, x: Value, sliding: Sequence[Sliding]) -> Value:
    """The maximum over each window; padding counts for nothing."""
    return _largest(b, x, [axis.windows for axis in sliding])


def mean_in(b: Builder, x: Value, sliding: Sequence[Sliding], *, padding_counts: bool) -> Value:
    """The mean over each window, of its entries in the input and, where padding counts, in the padding."""
    return _divide(
        b, sum_in(b, x, sliding), [axis.sizes if padding_counts else _sizes(axis.windows) for axis in sliding]
    )


def sum_in(b: Builder, x: Value, sliding: Sequence[Sliding]) -> Value:
    """The sum over each window: a convolution with ones."""
    lead = x.shape[: len(x.shape) - len(sliding)]
    sums = b.conv(
        b.reshape(x, (*lead, 1, *x.shape[len(lead) :])),
        np.ones((1, 1, *(axis.kernel for axis in sliding))),
        stride=[axis.stride for axis in sliding],
        padding=[(axis.before, axis.reach_after) for axis in sliding],
        dilation=[axis.dilation for axis in sliding],
    )
    return b.reshape(sums, (*lead, *(len(axis.starts) for axis in sliding)))


def adaptive_mean_pool(b: Builder, x: Value, output: Sequence[int], *, dims: int) -> Value:
    """The mean over a given number of windows: the sum, divided exactly by the number of entries."""
    windows = _adaptive(x, output, dims)
    groups = _groups(x, [_positions(axis, lambda window: -1) for axis in windows])
    return _divide(b, b.sum_groups([x], groups), [_sizes(axis) for axis in windows])


@dataclass(frozen=True)
class Sliding:
    """Windows that slide along an axis of ``size`` entries, with padding before and after them."""

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int
    ceil_mode: bool

    @property
    def starts(self) -> range:
        """The first position of every window: as many as fit; with ceil_mode one more may hang over the end."""
        room = self.size + self.before + self.after - self.dilation * (self.kernel - 1) - 1
        count = (ceil(room / self.stride) if self.ceil_mode else room // self.stride) + 1
        if self.ceil_mode and (count - 1) * self.stride >= self.size + self.before:
            count -= 1  # a window has to start in the input or in the padding before it
        return range(-self.before, count * self.stride - self.before, self.stride)

    @property
    def windows(self) -> Windows:
        """The positions of every window that lie in the input."""
        reach = self.dilation * self.kernel
        return [self._inside(range(start, start + reach, self.dilation)) for start in self.starts]

    def _inside(self, window: range) -> range:
        skipped = max(0, -(window.start // window.step))
        return range(window.start + skipped * window.step, min(window.stop, self.size), window.step)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """How many entries of each window lie in the input or its padding (not what ceil_mode adds)."""
        end, reach = self.size + self.after, self.dilation * self.kernel
        return _sizes([range(start, min(start + reach, end), self.dilation) for start in self.starts])

    @property
    def reach_after(self) -> int:
        """How many zeros the windows read after the input."""
        return max(0, self.starts[-1] + self.dilation * (self.kernel - 1) + 1 - self.size)


def _sliding(
    x: Value,
    dims: int,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> list[Sliding]:
    given = (per_axis(numbers, dims) for numbers in (kernel, stride or kernel, padding, dilation))
    return [Sliding(n, k, s, p, p, d, ceil_mode) for n, k, s, p, d in zip(x.shape[-dims:], *given, strict=True)]


def _adaptive(x: Value, output: Sequence[int], dims: int) -> list[Windows]:
    pairs = zip(x.shape[-dims:], per_axis(output, dims), strict=True)
    return [[range(k * n // m, -(-(k + 1) * n // m)) for k in range(m)] for n, m in pairs]


def _largest(b: Builder, x: Value, windows: Sequence[Windows]) -> Value:
    """The maximum over each window. A window cut short is filled up with its first entry, which changes no maximum."""
    if not all(window for axis in windows for window in axis):
        raise UnsupportedLayerError("a window holds nothing but padding, so that its maximum is minus infinity")
    groups = _groups(x, [_positions(axis, lambda window: window[0]) for axis in windows])
    return b.gather([x], groups[..., 0]) if groups.shape[-1] == 1 else b.max_groups([x], groups)


def _positions(windows: Windows, filling: Callable[[range], int]) -> NDArray[np.int64]:
    """The positions of every window (windows, k), the short ones filled up."""
    longest = max(map(len, windows))
    rows = [[*window, *[filling(window)] * (longest - len(window))] for window in windows]
    return np.array(rows, dtype=np.int64)


def _groups(x: Value, positions: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Indices of the entries of every window, (*lead, *out, k); -1 where a position is -1."""
    index = entries(x).numpy()
    lead, dims = index.ndim - len(positions), len(positions)
    for d, places in enumerate(positions):
        taken = np.take(index, places, axis=lead + 2 * d)
        index = np.where(places.reshape(places.shape + (1,) * (taken.ndim - lead - 2 * d - 2)) < 0, -1, taken)
    order = [*range(lead), *(lead + 2 * d for d in range(dims)), *(lead + 2 * d + 1 for d in range(dims))]
    moved = index.transpose(order)
    return moved.reshape(*moved.shape[: lead + dims], -1)


def _sizes(windows: Windows) -> NDArray[np.float64]:
    return np.array([len(window) for window in windows], dtype=np.float64)


def _divide(b: Builder, x: Value, sizes: Sequence[NDArray[np.float64]]) -> Value:
    """x divided by the product of the windows' sizes along each axis."""
    counts = reduce(np.multiply.outer, sizes)
    if (counts == 1).all():
        return x
    return b.divide(x, counts if (counts != counts.flat[0]).any() else counts.flat[0])


HANDLERS: dict[str, Handler] = {}
for _dims in (1, 2, 3):
    HANDLERS[f"aten.max_pool{_dims}d.default"] = partial(max_pool, dims=_dims)
    HANDLERS[f"aten.adaptive_max_pool{_dims}d.default"] = partial(adaptive_max_pool, dims=_dims)
    HANDLERS[f"aten.avg_pool{_dims}d.default"] = partial(mean_pool, dims=_dims)
    HANDLERS[f"aten.adaptive_avg_pool{_dims}d.default"] = partial(adaptive_mean_pool, dims=_dims)
    HANDLERS[f"aten._adaptive_avg_pool{_dims}d.default"] = partial(adaptive_mean_pool, dims=_dims)
    HANDLERS[f"aten.max_pool{_dims}d_with_indices.default"] = lambda *args, _d=_dims: (max_pool(*args, dims=_d), None)
