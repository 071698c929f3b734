"""Many segments of one input space, known together."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrangement import Arrangement, Field
from .domain import Domain
from .polytope import Polytope


@dataclass(frozen=True, eq=False)
class Bundle(Domain):
    """The segments x = start + step t, 0 <= t <= 1, of an input space: several slices of dimension 1.

    As a domain it is the first of them. Who serves bundles reads ``frames``; there a pattern begins with the number of
    the segment (``leading``).
    """

    starts: NDArray[np.float64]
    """(S, n), S >= 1"""
    steps: NDArray[np.float64]
    """(S, n); zeros for a segment that is a point."""

    @classmethod
    def of(cls, starts: NDArray[np.float64], steps: NDArray[np.float64], shape: tuple[int, ...]) -> Bundle:
        """From starts and steps (S, n) in an input space of that shape."""
        return cls(Polytope.box([0.0], [1.0]), starts[0], steps[0][:, None], shape, starts, steps)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def frames(self) -> NDArray[np.float64]:
        """See ``Domain.frames``: (S, 2, n)."""
        return np.stack([self.starts, self.steps], axis=1)

    @property
    def leading(self) -> int:
        """See ``Domain.leading``."""
        return 1

    def domain_of(self, i: int) -> Domain:
        """One of them."""
        return Domain(self.polytope, self.starts[i], self.steps[i][:, None], self.shape)

    def take(self, some: slice) -> Bundle:
        """Some of them."""
        return Bundle.of(self.starts[some], self.steps[some], self.shape)


class BundleArrangement(Arrangement[Field]):
    """Many segments [0, 1], each cut into pieces, as one arrangement of dimension 1.

    Vertices 2 i and 2 i + 1 of a new one are the ends of segment i, on the walls 0 and 1. Pieces follow each other,
    segment by segment, from 0 to 1, also after every change.
    """

    @abstractmethod
    def at_vertices(self, field: Field) -> Field:
        """A field that went with the segments, with bounds on how far it is from the values at the exact vertices."""

    @abstractmethod
    def fixed(self) -> BundleArrangement[Field]:
        """The same segments, for fields of which that is known."""
