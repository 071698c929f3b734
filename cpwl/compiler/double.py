"""The nodes of an ATen graph, and eager modules, evaluated in float64 whatever types they were written for.

Casts between floating-point types do nothing, and floating-point results are widened: both are how the library reads a
model (see ``cpwl.compiler``). Used to compute constants and as the reference of the self-check.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

CASTS = frozenset(
    f"aten.{name}" for name in ("_to_copy.default", "to.dtype", "to.dtype_layout", "type_as.default", "to.other")
)
_ASSERTIONS = frozenset({"aten._assert_tensor_metadata.default"})


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
    return tree_map(widen, target(*tree_map(widen, args), **tree_map(widen, kwargs)))


def cast_type(args: Any, kwargs: Any) -> torch.dtype:
    """The type that a cast asks for (float64 when it asks for none): its dtype, or that of its second argument."""
    wanted = kwargs.get("dtype") or next((a for a in args[1:] if isinstance(a, (torch.dtype, torch.Tensor))), None)
    if isinstance(wanted, torch.Tensor):
        return wanted.dtype
    return wanted if isinstance(wanted, torch.dtype) else torch.float64


class Float64(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Eager code in float64; the operators named in ``skipped`` return their first argument unchanged."""

    def __init__(self, skipped: Container[str] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._skipped = skipped

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if str(func) in self._skipped:
            return args[0].clone()
        return call(func, args, kwargs or {})
