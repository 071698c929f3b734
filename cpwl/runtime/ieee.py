"""Plain IEEE 754 arithmetic while the library computes, whatever the calling thread has set.

``torch.set_flush_denormal(True)``, or a library built with ``-ffast-math``, makes a thread of a processor take
subnormal numbers for zero; others set another rounding. Our bounds, and even the conversion of a float to a fraction,
hold for the rules of IEEE 754 alone. What is marked with ``ieee`` computes by these, and puts back what was set.

Each thread has its own setting, taken over from the one that starts it, and keeps it. So threads that torch or numpy's
BLAS have started under other rules are found by a sum of subnormal numbers, and left out: then one thread computes.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import cached_property, lru_cache, wraps
from inspect import isgeneratorfunction
from threading import local
from types import FunctionType, TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import FloatingPointModeError

T = TypeVar("T")

_SMALLEST_NORMAL, _HALF, _TWO = sys.float_info.min, 0.5, 2.0
_ONE, _EPSILON = 1.0, sys.float_info.epsilon
_MORE_THAN_HALF, _LESS_THAN_HALF = 0.75 * _EPSILON, 0.25 * _EPSILON


def thread_is_plain() -> bool:
    """Whether this thread keeps subnormal numbers, as arguments and as results, and rounds to nearest."""
    return (
        _SMALLEST_NORMAL * _HALF * _TWO == _SMALLEST_NORMAL
        and _ONE + _MORE_THAN_HALF == _ONE + _EPSILON
        and _ONE + _LESS_THAN_HALF == _ONE
    )


def ieee(what: T) -> T:
    """A function or generator, or a class with all its public methods and properties, that computes plainly."""
    if isinstance(what, type):
        for name, member in list(vars(what).items()):
            if not name.startswith("_") or name in _SPECIAL:
                _mark(what, name, member)
        return what
    assert isinstance(what, FunctionType)
    return _generating(what) if isgeneratorfunction(what) else _calling(what)  # type: ignore[return-value]


def is_ieee(what: Any) -> bool:
    """Whether ``ieee`` has marked a function, or what a property or method calls."""
    if isinstance(what, property):
        return is_ieee(what.fget)
    if isinstance(what, cached_property):
        return is_ieee(what.func)
    if isinstance(what, classmethod | staticmethod):
        return is_ieee(what.__func__)
    return getattr(what, "computes_plainly", False)


_SPECIAL = {"__init__", "__post_init__", "__call__", "__getitem__", "__iter__", "__repr__"}


def _mark(owner: type, name: str, member: Any) -> None:
    if is_ieee(member):
        return
    if isinstance(member, FunctionType):
        setattr(owner, name, ieee(member))
    elif isinstance(member, classmethod | staticmethod):
        setattr(owner, name, type(member)(ieee(member.__func__)))
    elif isinstance(member, property):
        setattr(owner, name, property(ieee(member.fget), member.fset, member.fdel, member.__doc__))
    elif isinstance(member, cached_property):
        member.func = ieee(member.func)


def _calling(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def plainly(*arguments: Any, **options: Any) -> Any:
        if _thread.depth and thread_is_plain():
            return function(*arguments, **options)
        with Plain():
            return function(*arguments, **options)

    plainly.computes_plainly = True  # type: ignore[attr-defined]
    return plainly


def _generating(function: Callable[..., Any]) -> Callable[..., Any]:
    """Between two items the caller's own rules hold."""

    @wraps(function)
    def plainly(*arguments: Any, **options: Any) -> Generator[Any, None, Any]:
        items = function(*arguments, **options)
        try:
            while True:
                try:
                    with Plain():
                        item = next(items)
                except StopIteration as end:
                    return end.value
                yield item
        finally:
            with Plain():
                items.close()

    plainly.computes_plainly = True  # type: ignore[attr-defined]
    return plainly


# ---- the rules of a thread, and those of the threads that work for it ------------------------------------------------
class _Thread(local):
    """What is known in a thread."""

    depth = 0
    """How many calls that compute plainly are on its stack."""
    trusted: tuple[int, ...] | None = None
    """The threads that were last seen to be plain: how many torch uses, and after which fork of the process."""


_thread = _Thread()


class Plain:
    """A context in which the thread, and those that torch and BLAS let work for it, compute by the rules."""

    def __enter__(self) -> None:
        self._after = ExitStack() if thread_is_plain() else _set_plain()
        if not _thread.depth:
            try:
                self._after.enter_context(_without_others())
            except BaseException:
                self._after.close()
                raise
        _thread.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _thread.depth -= 1
        self._after.close()


def _set_plain() -> ExitStack:
    """Sets the rules of this thread; closing what is returned puts back what was set."""
    after, before = ExitStack(), ctypes.create_string_buffer(_LARGEST_ENVIRONMENT)
    library, default = _environment()
    if library is not None:
        library.fegetenv(before)
        after.callback(library.fesetenv, before)
        library.fesetenv(default)
    if not thread_is_plain():
        after.close()
        raise FloatingPointModeError(
            "this thread takes subnormal numbers for zero or does not round to nearest, and that can't be changed on "
            "this system. Call torch.set_flush_denormal(False) before using cpwl."
        )
    _thread.trusted = None
    return after


_LARGEST_ENVIRONMENT = 512
"""Bytes that hold a ``fenv_t`` on any system."""


@lru_cache(maxsize=1)
def _environment() -> tuple[Any, Any]:
    """The C library that sets a thread's rules, and what stands for the default ones (``FE_DFL_ENV`` of fenv.h)."""
    try:
        library = ctypes.CDLL(ctypes.util.find_library("m"))
        if sys.platform == "darwin":
            return library, ctypes.byref(ctypes.c_char.in_dll(library, "_FE_DFL_ENV"))
        return library, ctypes.c_void_p(-1)
    except (OSError, ValueError, AttributeError):
        return None, None


def _without_others() -> ExitStack:
    """Keeps threads that follow other rules out; closing what is returned lets them in again."""
    after, torch = ExitStack(), sys.modules.get("torch")
    threads = torch.get_num_threads() if hasattr(torch, "get_num_threads") else 1  # type: ignore[union-attr]
    thread_state = threads, _forks
    if _thread.trusted == thread_state:
        return after
    torch_is_plain = threads == 1 or _torch_is_plain(torch, threads)
    if not torch_is_plain:
        torch.set_num_threads(1)  # type: ignore[union-attr]
        after.callback(torch.set_num_threads, threads)  # type: ignore[union-attr]
    blas_is_plain = _blas_is_plain()
    if not blas_is_plain:
        from threadpoolctl import threadpool_limits

        after.enter_context(threadpool_limits(1, "blas"))
        if not _blas_is_plain():
            after.close()
            raise FloatingPointModeError(
                "numpy's matrix products run on threads that take subnormal numbers for zero, and that can't be "
                "changed on this system. Set OPENBLAS_NUM_THREADS=1, or don't fork the process while "
                "torch.set_flush_denormal(True) is in force."
            )
    if torch_is_plain and blas_is_plain:
        _thread.trusted = thread_state
    return after


_SHARE = 1 << 15
"""Entries of which torch gives each thread at least as many."""


def _torch_is_plain(torch: Any, threads: int) -> bool:
    """Whether all of torch's threads add subnormal numbers."""
    half = torch.full((threads * _SHARE,), _SMALLEST_NORMAL * _HALF, dtype=torch.float64)
    return _all_smallest_normal((half + half).numpy())


def _blas_is_plain() -> bool:
    """Whether all threads of numpy's matrix products add subnormal numbers."""
    size, depth = 64 * max(4, min(os.cpu_count() or 1, 16)), 128
    half = np.zeros((size, depth))
    half[:, :2] = _SMALLEST_NORMAL * _HALF
    return _all_smallest_normal(half @ np.ones((depth, size)))


def _all_smallest_normal(values: NDArray[np.float64]) -> bool:
    return bool((values.view(np.int64) == np.float64(_SMALLEST_NORMAL).view(np.int64)).all())


_forks = 0
"""How often this process has been forked: its BLAS has then stopped its threads, and will start others."""


def _forked() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=_forked, after_in_child=_forked)
