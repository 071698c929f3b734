"""Operators that move entries: what they do to numbers, they do to the indices of the entries of a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ...errors import FileFormatError, UnsupportedLayerError
from ..builder import Value
from ..operators.linear import negate
from .call import Call, Handler, Operand, Result, axes, bounded, broadcast, shape_of
from .graph import Array


def moved(call: Call, function: Callable[[Array], Array]) -> Operand:
    """The first input with its entries moved."""
    x = call.operand()
    if isinstance(x, Value):
        return _gathered(call, [x], function(np.arange(prod(x.shape)).reshape(x.shape)))
    return function(x)


def _gathered(call: Call, values: Sequence[Value], index: Array) -> Operand:
    """The entries by their indices; a tensor without entries is a constant, as no value can be empty."""
    return call.builder.gather(values, index) if index.size else np.zeros(index.shape)


def joined(call: Call, operands: Sequence[Operand], function: Callable[[list[Array]], Array]) -> Operand:
    """Several operands with their entries moved into one tensor."""
    if not any(isinstance(x, Value) for x in operands):
        return function([x for x in operands if isinstance(x, np.ndarray)])
    values = [call.builder.value(x) if isinstance(x, np.ndarray) else x for x in operands]
    starts = np.cumsum([0, *(prod(x.shape) for x in values)]).tolist()
    indices = [start + np.arange(prod(x.shape)).reshape(x.shape) for x, start in zip(values, starts, strict=False)]
    return _gathered(call, values, function(indices))


def identity(call: Call) -> Result:
    """The input."""
    return call.operand()


def dropout(call: Call) -> Result:
    """The input: outside training nothing is dropped."""
    training = call.constant(2)
    if training is not None and training.any():
        raise UnsupportedLayerError("it drops entries at random, as in training")
    return (call.operand(), None)


def reshape(call: Call) -> Result:
    """Another shape: 0 keeps an axis, -1 stands for what is left."""
    before = shape_of(call.operand())
    wanted = call.integers("shape", 1) or []
    if not call.integer("allowzero"):
        wanted = [before[i] if n == 0 else n for i, n in enumerate(wanted)]
    if -1 in wanted:
        rest = -prod(wanted)
        left = prod(before) // rest if rest > 0 else -1
        wanted = [left if n == -1 else n for n in wanted]
    if prod(wanted) != prod(before):
        raise FileFormatError(f"a tensor of shape {before} cannot take the shape {wanted}")
    return moved(call, lambda x: x.reshape(bounded(wanted)))


def flatten(call: Call) -> Result:
    """A matrix: the axes before ``axis``, and the others."""
    shape = shape_of(call.operand())
    given = call.integer("axis", 1)
    axis = given + len(shape) if given < 0 else given
    if not 0 <= axis <= len(shape):
        raise FileFormatError(f"its axis {given} is no axis of a tensor of rank {len(shape)}")
    return moved(call, lambda x: x.reshape(prod(shape[:axis]), prod(shape[axis:])))


def transpose(call: Call) -> Result:
    """The axes in another order (reversed when none is given)."""
    order = call.integers("perm")
    return moved(call, lambda x: x.transpose(order))


def squeeze(call: Call) -> Result:
    """Without axes of length one."""
    given = call.integers("axes", 1)
    return moved(call, lambda x: x.squeeze(None if given is None else tuple(axes(given, x.ndim))))


def unsqueeze(call: Call) -> Result:
    """With new axes of length one."""
    given = call.integers("axes", 1) or []
    return moved(call, lambda x: np.expand_dims(x, tuple(axes(given, x.ndim + len(given)))))


def concat(call: Call) -> Result:
    """The inputs one after the other along an axis."""
    operands = call.operands()
    if call.varies:  # an empty part adds nothing
        operands = tuple(x for x in operands if prod(shape_of(x)))
    bounded([sum(prod(shape_of(x)) for x in operands)])
    axis = call.axis("axis", 0, len(shape_of(operands[0])))
    return joined(call, operands, lambda parts: np.concatenate(parts, axis))


def split(call: Call) -> Result:
    """Parts along an axis, of given lengths or as equal as can be."""
    shape = shape_of(call.operand())
    axis = call.axis("axis", 0, len(shape))
    count = len(call.operator.outputs)
    whole = -(-shape[axis] // count)
    lengths = call.integers("split", 1) or [whole] * (count - 1) + [shape[axis] - whole * (count - 1)]
    if sum(lengths) != shape[axis] or min(lengths) < 0 or len(lengths) != count:
        raise FileFormatError(f"lengths {lengths[:8]} do not split an axis of length {shape[axis]} in {count}")
    ends = np.cumsum(lengths).tolist()
    spans = [range(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    return tuple(moved(call, lambda x, span=span: x.take(span, axis)) for span in spans)  # type: ignore[misc]


def slices(call: Call) -> Result:
    """Ranges along axes, by start, end and step."""
    shape = shape_of(call.operand())
    starts, ends = call.integers("starts", 1), call.integers("ends", 2)
    if starts is None or ends is None:
        raise FileFormatError("its starts or ends are missing")
    along = axes(call.integers("axes", 3) or range(len(starts)), len(shape))
    steps = call.integers("steps", 4) or [1] * len(starts)
    window = [slice(None)] * len(shape)
    for axis, start, end, step in zip(along, starts, ends, steps, strict=True):
        window[axis] = _slice(start, end, step, shape[axis])
    return moved(call, lambda x: x[tuple(window)])


def _slice(start: int, end: int, step: int, length: int) -> slice:
    """In ONNX an end before the first entry is written as a number below -length; None in Python."""
    return slice(start, None if step < 0 and end < -length else end, step)


def gather(call: Call) -> Result:
    """Entries along an axis by constant indices, which replace the axis."""
    shape, index = shape_of(call.operand()), _indices(call, 1)
    axis = call.axis("axis", 0, len(shape))
    bounded((*shape[:axis], *index.shape, *shape[axis + 1 :]))
    return moved(call, lambda x: np.asarray(x.take(index, axis)))


def gather_elements(call: Call) -> Result:
    """Entries by constant indices along an axis, one for each place of the result."""
    index = _indices(call, 1)
    axis = call.axis("axis", 0, index.ndim)
    grid: list[Array] = list(np.indices(index.shape, sparse=True))
    return moved(call, lambda x: x[(*grid[:axis], index, *grid[axis + 1 :])])


def gather_slices(call: Call) -> Result:
    """GatherND: slices by constant indices of their leading axes."""
    index = _indices(call, 1)
    if call.integer("batch_dims"):
        raise UnsupportedLayerError("batch_dims is not supported")
    bounded((*index.shape[:-1], *shape_of(call.operand())[index.shape[-1] :]))
    return moved(call, lambda x: x[tuple(np.moveaxis(index, -1, 0))])


def scatter_slices(call: Call) -> Result:
    """ScatterND: slices at constant indices replaced by others."""
    index = _indices(call, 1)
    return _replaced(call, lambda x: tuple(np.moveaxis(index, -1, 0)))


def scatter_elements(call: Call) -> Result:
    """Entries at constant indices along an axis replaced by others."""
    index = _indices(call, 1)
    axis = call.axis("axis", 0, index.ndim)
    grid: list[Array] = list(np.indices(index.shape, sparse=True))
    return _replaced(call, lambda x: (*grid[:axis], index, *grid[axis + 1 :]))


def _replaced(call: Call, places: Callable[[Array], tuple[Any, ...]]) -> Operand:
    """Entries replaced by others; or added to them, or compared with them, as many as there are for a place."""
    reduction = call.attribute("reduction", str, "none")
    if reduction != "none":
        return _collected(call, places, reduction)

    def function(parts: list[Array]) -> Array:
        result = parts[0].copy()
        place = places(result)
        if len(np.unique(np.arange(result.size).reshape(result.shape)[place])) < parts[1].size:
            raise UnsupportedLayerError("an entry is replaced more than once")
        result[place] = parts[1]
        return result

    return joined(call, (call.operand(0), call.operand(2)), function)


def _collected(call: Call, places: Callable[[Array], tuple[Any, ...]], reduction: str) -> Operand:
    if reduction not in ("add", "max", "min") or not call.varies:
        raise UnsupportedLayerError(f"reduction {reduction!r} is not supported here")
    b, x, updates = call.builder, call.value(0), call.value(2)
    index = np.arange(prod(x.shape)).reshape(x.shape)
    targets = np.broadcast_to(index[places(index)], updates.shape).ravel()
    columns: list[list[int]] = [[entry] for entry in range(index.size)]
    for k, target in enumerate(targets.tolist()):
        columns[target].append(index.size + k)
    bounded([len(columns), longest := max(map(len, columns))])
    filler = -1 if reduction == "add" else None
    rows = [[*row, *[row[0] if filler is None else filler] * (longest - len(row))] for row in columns]
    groups = np.array(rows).reshape(*x.shape, longest)
    if reduction == "add":
        return b.sum_groups([x, updates], groups)
    if reduction == "max":
        return b.max_groups([x, updates], groups)
    return negate(b, b.max_groups([negate(b, x), negate(b, updates)], groups))


def _indices(call: Call, i: int) -> Array:
    index = call.needed(i)
    if index.dtype.kind not in "iu":
        raise FileFormatError(f"its input {i} must hold integers")
    return index.astype(np.int64)


def pad(call: Call) -> Result:
    """More entries around: a constant (0), or the tensor's own, mirrored, repeated or wrapped; negative widths cut."""
    shape = shape_of(call.operand())
    given = call.integers("pads", 1) or []
    along = axes(call.integers("axes", 3) or range(len(shape)), len(shape))
    if len(given) != 2 * len(along):
        raise FileFormatError(f"{2 * len(along)} widths are needed, got {len(given)}")
    widths = [(0, 0)] * len(shape)
    for i, axis in enumerate(along):
        widths[axis] = (given[i], given[i + len(along)])
    bounded([n + before + after for n, (before, after) in zip(shape, widths, strict=True)])
    mode = call.attribute("mode", str, "constant")
    if mode == "constant":
        return _pad_constant(call, widths)
    return _pad_own(call, shape, widths, mode)


_OWN = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def _pad_own(call: Call, shape: Sequence[int], widths: Sequence[tuple[int, int]], mode: str) -> Operand:
    reach = [n - 1 if mode == "reflect" else n for n in shape]
    too_far = mode != "edge" and any(max(width) > n for width, n in zip(widths, reach, strict=True))
    if mode not in _OWN or too_far or min(map(min, widths)) < 0:
        raise UnsupportedLayerError(f"padding of mode {mode!r} by {list(widths)} is not supported")
    return moved(call, lambda x: np.pad(x, widths, mode=_OWN[mode]))  # type: ignore[call-overload]


def _pad_constant(call: Call, widths: Sequence[tuple[int, int]]) -> Operand:
    fill = np.asarray(call.number("value", 0.0) if call.opset < 11 else call.constant(2))
    return _padded(call, widths, np.zeros(1) if fill.dtype == object or not fill.size else fill.reshape(-1)[:1])


def _padded(call: Call, widths: Sequence[tuple[int, int]], number: Array) -> Operand:
    def function(parts: list[Array]) -> Array:
        x = parts[0][tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in _zip(parts[0], widths))]
        wider = [(max(low, 0), max(high, 0)) for low, high in widths]
        return np.pad(x, wider, constant_values=parts[1][0] if len(parts) > 1 else -1)

    x = call.operand()
    if isinstance(x, Value) and not number[0]:
        return moved(call, lambda indices: function([indices]))
    return joined(call, (x, number), function)


def _zip(x: Array, widths: Sequence[tuple[int, int]]) -> Any:
    return zip(x.shape, widths, strict=True)


def expand(call: Call) -> Result:
    """The input broadcast to a shape, and to its own."""
    wanted = bounded(np.broadcast_shapes(shape_of(call.operand()), tuple(call.integers("shape", 1) or ())))
    return moved(call, lambda x: np.broadcast_to(x, wanted).copy())


def tile(call: Call) -> Result:
    """The input repeated along its axes."""
    shape, times = shape_of(call.operand()), call.integers("repeats", 1) or []
    bounded([n * k for n, k in zip(shape, times, strict=True)])
    return moved(call, lambda x: np.tile(x, times))


def depth_to_space(call: Call) -> Result:
    """Channels (N, C, H, W) moved into blocks of pixels."""
    n, c, h, w = shape_of(call.operand())
    size = call.integer("blocksize")
    if call.attribute("mode", str, "DCR") == "DCR":
        parts, order = (n, size, size, -1, h, w), (0, 3, 4, 1, 5, 2)
    else:
        parts, order = (n, -1, size, size, h, w), (0, 1, 4, 2, 5, 3)
    return moved(call, lambda x: x.reshape(parts).transpose(order).reshape(n, c // size**2, h * size, w * size))


def space_to_depth(call: Call) -> Result:
    """Blocks of pixels (N, C, H, W) moved into channels."""
    n, c, h, w = shape_of(call.operand())
    size = call.integer("blocksize")
    order = (0, 3, 5, 1, 2, 4) if call.attribute("mode", str, "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    parts = (n, c, h // size, size, w // size, size)
    shape = (n, c * size**2, h // size, w // size)
    return moved(call, lambda x: x.reshape(parts).transpose(order).reshape(shape))


def compress(call: Call) -> Result:
    """The places along an axis (or of all entries) that a constant mask marks."""
    (kept,) = np.nonzero(call.needed(1))
    if call.attribute("axis", int, None) is None:
        return moved(call, lambda x: x.reshape(-1).take(kept))
    axis = call.axis("axis", 0, len(shape_of(call.operand())))
    return moved(call, lambda x: x.take(kept, axis))


def reverse_sequence(call: Call) -> Result:
    """The first entries along one axis in reverse order, as many as a constant says for each place along another."""
    shape, lengths = shape_of(call.operand()), _indices(call, 1)
    time, batch = call.axis("time_axis", 0, len(shape)), call.axis("batch_axis", 1, len(shape))
    places = np.arange(shape[time])
    order = np.array([np.where(places < n, n - 1 - places, places) for n in lengths.tolist()])
    index = np.moveaxis(order.reshape(*order.shape, *[1] * (len(shape) - 2)), (0, 1), (batch, time))
    return moved(call, lambda x: np.take_along_axis(x, np.broadcast_to(index, shape), time))


def center_crop_pad(call: Call) -> Result:
    """Axes cut, or filled with zeros, to given lengths around their centres."""
    shape, lengths = shape_of(call.operand()), call.integers("shape", 1) or []
    along = axes(call.integers("axes") or range(len(shape)), len(shape))
    widths = [(0, 0)] * len(shape)
    for axis, length in zip(along, lengths, strict=True):
        extra = length - shape[axis]
        before = extra // 2 if extra > 0 else -(-extra // 2)
        widths[axis] = (before, extra - before)
    bounded([n + low + high for n, (low, high) in zip(shape, widths, strict=True)])
    return _padded(call, widths, np.zeros(1))


def where(call: Call) -> Result:
    """Entries of one tensor or another, by a constant mask."""
    mask, x, y = call.needed(0), call.operand(1), call.operand(2)
    shape = broadcast(mask, x, y)
    return joined(call, (x, y), lambda parts: np.broadcast_to(np.where(mask, *parts), shape).copy())


def triangle(call: Call) -> Result:
    """Trilu: zeros below or above a diagonal of the last two axes."""
    k = call.constant(1)
    offset = 0 if k is None else int(k)
    shape = shape_of(call.operand())[-2:]
    upper = call.integer("upper", 1)
    kept = np.triu(np.ones(shape, bool), offset) if upper else np.tril(np.ones(shape, bool), offset)
    zero = -1 if call.varies else 0
    return moved(call, lambda x: np.where(kept, x, zero))


HANDLERS: Mapping[str, Handler] = {
    "CenterCropPad": center_crop_pad,
    "Compress": compress,
    "Concat": concat,
    "DepthToSpace": depth_to_space,
    "Dropout": dropout,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_slices,
    "Identity": identity,
    "Pad": pad,
    "Reshape": reshape,
    "ReverseSequence": reverse_sequence,
    "Scatter": scatter_elements,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_slices,
    "Slice": slices,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": squeeze,
    "Tile": tile,
    "Transpose": transpose,
    "Trilu": triangle,
    "Unsqueeze": unsqueeze,
    "Where": where,
}
