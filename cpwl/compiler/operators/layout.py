"""Operators that only move entries: each is run by torch on the *indices* of the entries, which gives a ``Gather``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from ...errors import UnsupportedLayerError
from ..builder import Builder, Handler, Operand, Result, Value, broadcast, entries
from ..torch_models.double import CASTS, cast_type

_MOVES = """
alias.default clone.default contiguous.default detach.default lift_fresh_copy.default positive.default
view.default _unsafe_view.default reshape.default flatten.using_ints unflatten.int
permute.default transpose.int t.default mT.default numpy_T.default movedim.int
squeeze.default squeeze.dim squeeze.dims unsqueeze.default expand.default
select.int slice.Tensor narrow.default index.Tensor index_select.default flip.default roll.default
repeat.default tile.default split.Tensor split_with_sizes.default chunk.default unbind.int
pixel_shuffle.default pixel_unshuffle.default channel_shuffle.default native_channel_shuffle.default
diagonal.default gather.default rot90.default unfold.default repeat_interleave.self_int
fliplr.default flipud.default take.default take_along_dim.default narrow_copy.default diagonal_copy.default
alias_copy.default expand_copy.default permute_copy.default squeeze_copy.default squeeze_copy.dim squeeze_copy.dims
t_copy.default transpose_copy.int unsqueeze_copy.default view_copy.default unfold_copy.default
""".split()
_ZEROING = "tril.default triu.default diag.default diag_embed.default".split()
_OVERWRITES = "slice_scatter.default select_scatter.default diagonal_scatter.default".split()
_JOINS = "cat.default concat.default stack.default hstack.default vstack.default column_stack.default".split()


def move(op: Any) -> Handler:
    """The handler of an operator that moves the entries of its first argument."""

    def handler(b: Builder, x: Value, *args: Any, **kwargs: Any) -> Result:
        if any(isinstance(arg, Value) for arg in tree_leaves(args)):
            raise UnsupportedLayerError("its indices depend on the input")
        moved = op(entries(x), *args, **kwargs)
        if isinstance(moved, torch.Tensor):
            return b.gather([x], moved.numpy())
        return tuple(b.gather([x], part.numpy()) for part in moved)

    return handler


def join(op: Any) -> Handler:
    """The handler of an operator that joins a list of tensors; constants among them are allowed."""
    return lambda b, parts, *args: _together(b, parts, lambda indices: op(indices, *args))


def overwrite(op: Any) -> Handler:
    """The handler of an operator that replaces some entries of a tensor by those of another."""
    return lambda b, x, part, *args: _together(b, [x, part], lambda indices: op(*indices, *args))


def _together(b: Builder, operands: Sequence[Operand], op: Callable[[list[torch.Tensor]], torch.Tensor]) -> Value:
    """What an operator does to several tensors, as it does it to the indices of their entries, counted on."""
    values = [b.value(operand) for operand in operands]
    starts = np.cumsum([0, *(prod(x.shape) for x in values)])[:-1].tolist()
    return b.gather(values, op([entries(x) + start for x, start in zip(values, starts, strict=True)]).numpy())


def zero(op: Any) -> Handler:
    """The handler of an operator that moves entries and sets others to zero (0 + 1 - 1: the index of none)."""
    return lambda b, x, *args: b.gather([x], (op(entries(x) + 1, *args) - 1).numpy())


def choose(b: Builder, condition: Operand, x: Operand, y: Operand) -> Value:
    """x where a constant condition holds, y elsewhere."""
    if isinstance(condition, Value):
        raise UnsupportedLayerError("its condition depends on the input")
    where = torch.as_tensor(condition)
    return _together(b, [x, y], lambda parts: torch.where(where, parts[0], parts[1]))


def put(b: Builder, x: Operand, indices: Sequence[Any], values: Operand, accumulate: bool = False) -> Value:
    """x with the entries at constant indices replaced."""
    if accumulate or any(isinstance(index, Value) for index in indices):
        raise UnsupportedLayerError("it adds to entries, or its indices depend on the input")
    return _together(b, [x, values], lambda parts: torch.ops.aten.index_put.default(parts[0], indices, parts[1]))


def scatter(b: Builder, x: Operand, dim: int, index: Operand, source: Operand) -> Value:
    """x with the entries at constant indices along an axis replaced, each by one other."""
    if isinstance(index, Value):
        raise UnsupportedLayerError("its indices depend on the input")
    places = torch.as_tensor(index)

    def replaced(parts: list[torch.Tensor]) -> torch.Tensor:
        whole = torch.arange(parts[0].numel()).reshape(parts[0].shape)
        if len(np.unique(whole.gather(dim, places).numpy())) < places.numel():
            raise UnsupportedLayerError("an entry is replaced more than once")
        return parts[0].scatter(dim, places, parts[1].expand(places.shape))

    return _together(b, [x, source], replaced)


def windows(b: Builder, x: Value, *args: Sequence[int]) -> Value:
    """All patches of an image as columns (F.unfold); padding gives zeros."""
    columns = torch.ops.aten.im2col.default((entries(x) + 1).to(torch.float64), *args)
    return b.gather([x], columns.to(torch.int64).numpy() - 1)


def copy(b: Builder, x: Operand, source: Operand, non_blocking: bool = False) -> Value:
    """The source, broadcast to the shape of x (an assignment to x, once made functional)."""
    return b.expand(b.value(source), broadcast(x))


def cast(b: Builder, x: Value, *args: Any, **kwargs: Any) -> Result:
    """Casts between floating-point types are left out (see ``cpwl.compiler``)."""
    if not cast_type([x, *args], kwargs).is_floating_point:
        raise UnsupportedLayerError("a cast to a type that is not floating-point rounds")
    return x


def pad(b: Builder, x: Value, widths: Sequence[int], mode: str = "constant", value: float | None = None) -> Result:
    """Padding with a constant, or by reflection, replication or wrapping (negative widths cut)."""
    if mode != "constant":
        return move_padded(b, x, widths, mode)
    place = torch.nn.functional.pad(entries(x) + 1, list(widths)).numpy()
    return b.gather([b.value(np.array([value or 0.0])), x], place)


def move_padded(b: Builder, x: Value, widths: Sequence[int], mode: str) -> Result:
    """Padding that repeats entries."""
    indices = entries(x).to(torch.float64)
    return b.gather([x], torch.nn.functional.pad(indices, list(widths), mode=mode).to(torch.int64).numpy())


def _aten(name: str) -> Any:
    packet, overload = name.split(".")
    return getattr(getattr(torch.ops.aten, packet), overload)


HANDLERS: dict[str, Handler] = {
    **{f"aten.{name}": move(_aten(name)) for name in _MOVES},
    **{f"aten.{name}": join(_aten(name)) for name in _JOINS},
    **{f"aten.{name}": overwrite(_aten(name)) for name in _OVERWRITES},
    **{f"aten.{name}": zero(_aten(name)) for name in _ZEROING},
    **{f"aten.where.{name}": choose for name in ("self", "ScalarOther", "ScalarSelf", "Scalar")},
    **{
        f"aten.masked_fill.{name}": lambda b, x, mask, value: choose(b, mask, value, x) for name in ("Scalar", "Tensor")
    },
    **dict.fromkeys(CASTS, cast),
    "aten.index_put.default": put,
    "aten.scatter.src": scatter,
    "aten.scatter.value": scatter,
    "aten.im2col.default": windows,
    "aten.copy.default": copy,
    "aten.fill.Tensor": copy,
    "aten.fill.Scalar": copy,
    "aten.pad.default": pad,
    "aten.constant_pad_nd.default": lambda b, x, widths, value=0.0: pad(b, x, widths, "constant", value),
}
