"""What the library asks of a backend: one class, with everything that is the backend's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendError
from ..fields.arithmetic import Arithmetic
from ..fields.predicates import Oracle
from ..fields.spans import Ranges
from ..geometry.arrangement import Arrangement
from ..geometry.bundle import BundleArrangement
from ..geometry.domain import Domain
from ..geometry.polytope import Polytope
from ..network.network import Network
from ..storage.named_arrays import Arrays, Stored
from .rungs import oracle


class Persistence(Protocol):
    """How arrangements and fields become plain arrays and come back; ``FileFormatError`` for any not theirs."""

    def arrangement_to_arrays(self, arrangement: Any, /) -> Arrays:
        """The arrays that ``arrangement_from_arrays`` reads."""

    def arrangement_from_arrays(self, stored: Stored, device: str | None, /) -> Arrangement[Any]:
        """The arrangement, on a device."""

    def field_to_arrays(self, field: Any, /) -> Arrays:
        """The arrays that ``field_from_arrays`` reads."""

    def field_from_arrays(self, stored: Stored, rows: int, columns: int, device: str | None, /) -> Any:
        """The field of so many rows and columns, on a device."""


class Execution(Protocol):
    """What runs networks in a floating-point type, every operator rounded to it."""

    def rounded(self, values: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Numbers rounded to the type."""

    def run(self, network: Network, inputs: NDArray[np.float64], /) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The argument of each nonlinear node, by its index, and (with index -1) the output."""


class Backend(ABC):
    """One way to compute partitions, on one device."""

    exact: ClassVar[bool]
    """Whether its numbers are rational; then nothing is rounded, and nothing is decided in float64."""
    speed: ClassVar[float]
    """Regions a second, roughly, of a network whose widest node has 256 entries: how much is begun at once where time
    is limited. A bad guess costs time alone."""

    def __init__(self, device: str | None) -> None:
        self.device = device

    @property
    @abstractmethod
    def arithmetic(self) -> Arithmetic[Any]:
        """The arithmetic of its fields; always the same one, which keeps what it knows of weights."""

    @property
    @abstractmethod
    def persistence(self) -> Persistence:
        """How its results are kept in files."""

    @abstractmethod
    def arrangement(self, polytope: Polytope) -> Arrangement[Any]:
        """The arrangement whose one region is the polytope; ``UnsupportedDimensionError`` where there is none."""

    def bundle(self, segments: int, *, maxima: bool) -> BundleArrangement[Any]:
        """So many segments, each of one piece; ``BackendError`` where there is none.

        ``maxima``: whether maxima of fields on it will be taken.
        """
        raise BackendError(f"the {type(self).__name__} cuts no bundles of segments.")

    def sweeping(self, network: Network, domain: Domain, *, exact: bool) -> Arithmetic[Any]:
        """What a sweep over a domain computes with; ``exact``: where no decision is left to float64."""
        return self.arithmetic

    def oracle(self, network: Network, domain: Domain, ranges: Callable[[], Ranges] | None = None) -> Oracle:
        """The exact functions of a network on regions of a slice.

        ``ranges``, if given, tells which pieces units have on all regions that will be asked about.
        """
        return oracle(network, domain, ranges)

    def execution(self, dtype: str) -> Execution:
        """What runs networks in that floating-point type; ``BackendError`` where nothing does."""
        raise BackendError(f"dtype: the {type(self).__name__} runs nothing in floating point, got {dtype!r}.")
