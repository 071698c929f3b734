"""How much of a domain each class takes: sizes of the regions cut by the largest output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, NumericalRangeError
from ..geometry.simplices import size_name
from ..numbers.rounding import floats
from ..tiling.cells import cut_by_maximum
from ..tiling.tiling import Tiling

if TYPE_CHECKING:
    import pandas


def class_table(part: Tiling) -> pandas.DataFrame:
    """A row for each class that is the largest output somewhere, by falling size: "area", "share" and "cells".

    ``area`` ("volume", unless on a plane) is in slice coordinates, right to six digits (exact, Fractions, from the
    exact backend); ``share`` is that of all regions that are there; ``cells`` is the number of parts of regions. Where
    two outputs are equal and largest all over a region, it counts for the lower one. Of a partition that is not
    complete a column says so. Raises ``ArgumentError`` for a network of one output.
    """
    import pandas

    outputs = part.network.outputs
    if outputs < 2:
        raise ArgumentError("class_table needs a network with several outputs; this one has one. Use a level set.")
    cells, by_maximum = cut_by_maximum(part, Ragged.of([range(outputs)]))
    size = size_name(part.domain.dim)
    sizes, winners = cells.measured()[0], by_maximum.winners[:, 0].astype(np.int64)
    classes, kinds = np.unique(winners, return_inverse=True)
    total = np.zeros(len(classes), sizes.dtype)
    np.add.at(total, kinds.ravel(), sizes)
    whole = total.sum()
    if len(total) and not 0 < whole < np.inf:
        raise NumericalRangeError(
            f"the {size}s add up to {float(whole)} in float64: they are out of its range. Scale the network and the "
            "domain, or use the exact backend."
        )
    shares = floats(total / whole) if len(total) else np.zeros(0)
    table = pandas.DataFrame(
        {size: total, "share": shares, "cells": np.bincount(kinds.ravel(), minlength=len(classes))}
    )
    table.index = pandas.Index(classes, name="class")
    if not part.complete:
        table["complete"] = False
    return table.sort_values(size, ascending=False, kind="stable")
