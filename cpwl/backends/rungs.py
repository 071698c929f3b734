"""Beyond float64: what tells the functions of a network on a region closely, in long numbers, or exactly.

They come from backends that are loaded when first asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..fields.predicates import CloseFunctions, Functions, Names, Oracle
from ..geometry.arrangement import Form
from ..geometry.domain import Domain
from ..network.network import Network
from ..numbers.double_double import Balls

if TYPE_CHECKING:
    from .exact.oracle import SliceOracle
    from .torch.long_numbers.arithmetic import ExtendedField
    from .torch.long_numbers.lines import CloseLines
    from .torch.long_numbers.oracle import CloseOracle
    from .torch.long_numbers.points import CloseArithmetic


def close_arithmetic(network: Network, count: int) -> CloseArithmetic:
    """What evaluates a network at points in long numbers, of ``count`` float64 parts."""
    from .torch.long_numbers.points import CloseArithmetic

    return CloseArithmetic(network, count)


def balls(field: ExtendedField) -> Balls:
    """The entries of a field of long numbers, with their bounds."""
    from .torch.long_numbers.points import balls

    return balls(field)


def oracle(network: Network, domain: Domain) -> Oracle:
    """The functions of a network on regions of a slice, from backends that are loaded when first asked."""
    return _Oracle(network, domain)


_CHEAP = 1 << 12
"""A network of so few products is evaluated exactly as fast as closely."""


class _Oracle:
    """Exact functions from the exact backend; those known up to a bound from the torch backend."""

    def __init__(self, network: Network, domain: Domain) -> None:
        self._network, self._domain = network, domain

    def __call__(self, patterns: NDArray[np.int16]) -> Sequence[Functions]:
        return self._exact(patterns)

    def closely(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names) -> CloseFunctions | None:
        return self._close(patterns, place, names) if self._network.products >= _CHEAP else None

    def lines_closely(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names, parts: int) -> Balls:
        return self._close_lines(patterns, place, names, parts)

    def lines_exactly(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names) -> Sequence[Form]:
        return self._exact.forms(patterns, place, names)

    @cached_property
    def _exact(self) -> SliceOracle:
        from .exact.oracle import SliceOracle

        return SliceOracle(self._network, self._domain)

    @cached_property
    def _close(self) -> CloseOracle:
        from .torch.long_numbers.oracle import CloseOracle

        return CloseOracle(self._network, self._domain)

    @cached_property
    def _close_lines(self) -> CloseLines:
        from .torch import arithmetic_on, check_device
        from .torch.long_numbers.lines import CloseLines

        return CloseLines(self._network, self._domain, arithmetic_on(check_device(None)))
