"""A refinement with the functions that cut, from which the backend's arithmetic makes what the next nodes read."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....geometry.arrangement import Refinement
from ..fields.field import FloatField
from .prolong import Cutting


@dataclass(frozen=True, eq=False)
class FloatRefinement(Refinement[FloatField]):
    """The answer of ``TorchArrangement.refine`` for fields held by their values."""

    functions: Cutting = field(kw_only=True)
    """Those that cut, on the old vertices, with how they go on to the new ones."""
