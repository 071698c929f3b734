"""The nodes of an ATen graph, and eager modules, evaluated in float64 whatever types they were written for.

Casts between floating-point types do nothing, and floating-point results are widened: both are how the library reads a
model (see ``cpwl.compiler``). Used as the reference of the self-check. Constants are computed as they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

CASTS = frozenset(
    f"aten.{name}" for name in ("_to_copy.default", "to.dtype", "to.dtype_layout", "type_as.default", "to.other")
)
_ASSERTIONS = frozenset({"aten._assert_tensor_metadata.default"})

_SINGLE = ("aten.fake_quantize_per_channel_affine", "aten._fake_quantize_learnable_per_channel_affine")
"""Operators, by the beginnings of their names, that torch has in float32 alone."""


def widen(value: Any) -> Any:
    """A floating-point tensor as float64 on the CPU; anything else unchanged."""
    if isinstance(value, torch.Tensor) and value.is_floating_point() and not _is_wide(value):
        return value.detach().to("cpu", torch.float64)
    return value


def _is_wide(value: torch.Tensor) -> bool:
    return value.dtype == torch.float64 and value.device.type == "cpu"


def call(target: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """One ATen operator on float64 arguments, its floating-point results in float64."""
    name = str(target)
    if name in _ASSERTIONS:
        return None
    if name in CASTS and cast_type(args, kwargs).is_floating_point and args[0].is_floating_point():
        return args[0].clone()
    form = _narrow if name.startswith(_SINGLE) else _widened
    args, kwargs = tree_map(form, args), tree_map(form, kwargs)
    result = target(*args, **kwargs)
    if _takes_type(target) and not kwargs.get("dtype") and widen(result) is not result:
        result = target(*args, **kwargs, dtype=torch.float64)  # numbers written in Python, made into a tensor
    return tree_map(widen, result)


def call_as_written(target: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """One ATen operator in the types of its arguments, which lie on the CPU, as its result does."""
    if str(target) in _ASSERTIONS:
        return None
    return target(*tree_map(_on_cpu, args), **tree_map(_on_cpu, kwargs))


def _widened(value: Any) -> Any:
    """A floating-point tensor as float64, and so the name of such a type; anything else unchanged."""
    if isinstance(value, torch.dtype) and value.is_floating_point:
        return torch.float64
    return widen(value)


def _takes_type(target: Callable[..., Any]) -> bool:
    """Whether an operator can be told the type of its result."""
    schema = getattr(target, "_schema", None)
    return schema is not None and any(argument.name == "dtype" for argument in schema.arguments)


def _on_cpu(value: Any) -> Any:
    return torch.device("cpu") if isinstance(value, torch.device) else value


def _narrow(value: Any) -> Any:
    """A floating-point tensor as float32; anything else unchanged."""
    return value.to(torch.float32) if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def cast_type(args: Any, kwargs: Any) -> torch.dtype:
    """The type that a cast asks for (float64 when it asks for none): its dtype, or that of its second argument."""
    wanted = kwargs.get("dtype") or next((a for a in args[1:] if isinstance(a, (torch.dtype, torch.Tensor))), None)
    if isinstance(wanted, torch.Tensor):
        return wanted.dtype
    return wanted if isinstance(wanted, torch.dtype) else torch.float64


class Eager(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Eager code of which ``run`` makes every call: ``call``, in float64, or ``call_as_written``.

    Of the operators that ``skipped`` names, the call of that number, counted from 0 since the mode was entered, returns
    its first argument unchanged.
    """

    def __init__(self, run: Callable[..., Any], skipped: Container[tuple[str, int]] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._run, self._skipped = run, skipped
        self._calls: Counter[str] = Counter()

    def __enter__(self) -> Any:
        self._calls.clear()
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func)
        self._calls[name] += 1
        if (name, self._calls[name] - 1) in self._skipped:
            return args[0].clone()
        return self._run(func, args, kwargs or {})
