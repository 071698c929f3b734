"""Beyond float64: what tells the functions of a network on a region closely, in long numbers, or exactly.

They come from backends that are loaded when first asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..fields.predicates import Names, Oracle
from ..fields.spans import Ranges
from ..fields.structural_zeros import Named, NamedInBundle
from ..geometry.arrangement import Form
from ..geometry.bundle import Bundle
from ..geometry.domain import Domain
from ..geometry.ladder import INTEGERS
from ..geometry.separation import Separation
from ..network.network import Network
from ..numbers.double_double import Balls
from ..numbers.exact import Exact

if TYPE_CHECKING:
    from .exact.oracle import SliceOracle
    from .torch.fields.arithmetic import TorchArithmetic
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


def oracle(network: Network, domain: Domain, ranges: Callable[[], Ranges] | None = None) -> Oracle:
    """The functions of a network on regions of a slice, from backends that are loaded when first asked."""
    return _Oracle(network, domain, ranges)


_CHEAP = 1 << 12
"""Fewer products, of what comes before a stage, are made exactly as fast as closely."""

_DEAR = 1 << 20
"""A pass of so many products costs more than what is decided by it: float64 numbers are tried first."""


_known: WeakKeyDictionary[Network, WeakKeyDictionary[Domain, dict[tuple[int, int], Separation | None]]] = (
    WeakKeyDictionary()
)
"""Separation bounds by the stage and the last one that walls are of."""


class _Oracle:
    """Exact functions from the exact backend; those known up to a bound from the torch backend."""

    def __init__(self, network: Network, domain: Domain, ranges: Callable[[], Ranges] | None) -> None:
        self._network, self._domain, self._ranges = network, domain, ranges
        self._closer: dict[int, CloseOracle] = {}
        """By how many parts numbers have at least."""
        self._products: dict[int, int] = {}

    def outputs(self, patterns: NDArray[np.int16], parts: int) -> Any:
        if parts == INTEGERS:
            weights, biases = self._exact.maps(patterns)
            return Exact(np.concatenate([weights, biases[:, :, None]], axis=2))
        if not self.worth(len(self._network.nonlinear), parts):
            return None
        outputs, place = np.arange(self._network.outputs), np.arange(len(patterns))
        names = Names.levels(
            len(self._network.nonlinear), np.tile(outputs, len(place)), np.zeros(len(place) * len(outputs))
        )
        rows = self._close_lines(patterns, np.repeat(place, len(outputs)), names, parts)
        return rows.reshaped(len(place), len(outputs), -1)

    def worth(self, stage: int, parts: int) -> bool:
        if self._products_before(stage) < (_DEAR if parts == 1 else _CHEAP):
            return False  # exact functions cost no more
        return not self._short(stage)

    def known(
        self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names, parts: int
    ) -> Callable[[NDArray[np.int64], Names], Any]:
        spanned = self._close_lines.stage(patterns, place, names, parts) if parts > 1 else None
        return self._close(parts)(patterns, place, names).forms if spanned is None else spanned

    def exactly(self, patterns: NDArray[np.int16]) -> tuple[Callable[[NDArray[np.int64], Names], Exact], bool]:
        at_once = self._exact.at_once(patterns)
        if at_once is not None:
            return at_once.forms, True
        regions = self._exact(patterns)
        return lambda place, names: self._numbers(regions.forms(place, names)), False

    def walls(self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names, parts: int) -> Any:
        stage = max(int(names.stage.max(initial=0)), 0)
        if self._short(stage):
            forms, _ = self.exactly(patterns[:, : self._exact.units_before(stage)])
            exact = forms(place, names)
        elif parts == INTEGERS or len(place) * self._products_before(stage) < _CHEAP:
            exact = self._numbers(self._exact.forms(patterns, place, names))
        else:
            return self._close_lines(patterns, place, names, parts)
        return exact if parts == INTEGERS else exact.balls()

    def _short(self, stage: int) -> bool:
        """Whether float64 knows all functions up to those that a stage reads without rounding."""
        return self._may_be_short and self._exact.reaches(stage)

    def _products_before(self, stage: int) -> int:
        """Of one evaluation up to what a stage reads."""
        if stage not in self._products:
            left = self._network.products_after(self._network.read_by(stage))
            self._products[stage] = self._network.products - left
        return self._products[stage]

    def inside(self, patterns: NDArray[np.int16], points: NDArray[Any]) -> NDArray[np.bool_] | None:
        if self._network.products < _DEAR or self._domain.leading:
            return None
        from .torch.long_numbers.inside import inside

        may, left = inside(self._network, self._domain, patterns, points)
        some = np.flatnonzero(may[left.point])
        place, signs = left.point[some], left.sign[some].tolist()
        for point, sign, form in zip(
            place.tolist(), signs, self._exact.forms(patterns, place, left.names.take(some)), strict=True
        ):
            *slope, constant = (Fraction(int(x)) for x in form)
            value = constant + sum((a * x for a, x in zip(slope, points[point], strict=True)), Fraction(0))
            may[point] &= sign * value >= 0
        return may

    def _numbers(self, forms: Sequence[Form]) -> Exact:
        return Exact.of(forms, self._domain.dim + 1)

    @cached_property
    def _may_be_short(self) -> bool:
        from .exact.short import may_be_short

        return may_be_short(self._network, self._domain)

    def separation(self, stage: int, others: Names) -> Separation | None:
        key = stage, int(others.stage.max(initial=0))
        if key not in self._separations:
            self._separations[key] = self._separation(*key)
        return self._separations[key]

    def _separation(self, stage: int, last: int) -> Separation | None:
        return self._exact.separation(stage, last) if self._may_be_short and self._exact.reaches(last) else None

    @cached_property
    def _separations(self) -> dict[tuple[int, int], Separation | None]:
        """What is worked out for a network on a domain serves all partitions of it."""
        if self._network not in _known:
            _known[self._network] = WeakKeyDictionary()
        return _known[self._network].setdefault(self._domain, {})

    def central(self, names: Names) -> NDArray[np.bool_]:
        return self._named.central(names)

    def vanish(self, names: Names, others: Names) -> NDArray[np.bool_]:
        return self._named.vanish(names, others)

    def vanish_everywhere(
        self, patterns: NDArray[np.int16], place: NDArray[np.int64], names: Names
    ) -> NDArray[np.bool_]:
        return self._named.vanish_everywhere(patterns, place, names)

    @cached_property
    def _exact(self) -> SliceOracle:
        from .exact.oracle import BundleOracle, SliceOracle

        if isinstance(self._domain, Bundle):
            return BundleOracle(self._network, self._domain)
        return SliceOracle(self._network, self._domain, self._ranges)

    @cached_property
    def _named(self) -> Named:
        if isinstance(self._domain, Bundle):
            return NamedInBundle(self._network, self._domain)
        return Named(self._network, self._domain)

    def _close(self, parts: int) -> CloseOracle:
        from .torch.long_numbers.oracle import CloseOracle

        if parts not in self._closer:
            self._closer[parts] = CloseOracle(self._network, self._domain, self._plain, parts)
        return self._closer[parts]

    @cached_property
    def _close_lines(self) -> CloseLines:
        from .torch.long_numbers.lines import CloseLines

        return CloseLines(self._network, self._domain, self._plain)

    @cached_property
    def _plain(self) -> TorchArithmetic:
        from .torch import arithmetic_on, check_device

        return arithmetic_on(check_device(None))
