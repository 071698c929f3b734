"""A whole partition as sympy ``Piecewise`` functions, exact."""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from ..errors import ArgumentError
from ..runtime.ieee import ieee
from ..runtime.inputs import instance, whole
from ..tiling.tiling import Tiling
from .region import Region
from .symbolic import Piecewise


@ieee
def piecewise(
    partition: Tiling, symbols: Sequence[sympy.Symbol] | None = None, *, max_regions: int = 256
) -> tuple[Piecewise, ...]:
    """Each output of the network on the domain as a ``Piecewise``, one case a region; nan outside.

    The coefficients are those of the exact network, whatever the backend. ``symbols`` (by default u1, u2) are the slice
    coordinates. ``subs`` takes time linear in the number of regions. What ``sympy.lambdify`` makes of it rounds: at a
    corner that is no float it may find no case, and give nan. Raises ``ArgumentError`` above ``max_regions`` regions,
    and when some are ambiguous or missing.
    """
    instance("partition", partition, Tiling, "Use cpwl.partition.", "Partition")
    partition.check_complete("a Piecewise, defined on the whole domain,")
    _check(partition, max_regions)
    symbolic = [Region(partition, i).to_sympy(symbols) for i in range(len(partition))]
    cases = zip(*([(output, region.condition) for output in region.outputs] for region in symbolic), strict=True)
    return tuple(Piecewise(*case) for case in cases)


def _check(partition: Tiling, max_regions: int) -> None:
    if len(partition) > whole("max_regions", max_regions, 0):
        raise ArgumentError(
            f"partition must have at most max_regions = {max_regions:,} regions for a Piecewise, got "
            f"{len(partition):,}. Use part.region(i).to_sympy() for single ones, a smaller domain, or max_regions=."
        )
    if len(partition.ambiguous):
        raise ArgumentError(
            f"partition has {len(partition.ambiguous):,} ambiguous regions; a Piecewise is exact. "
            "Use predicates='exact', or certify(partition).partition."
        )
