"""Statistics of the partitions on many slices: several networks times several sets of points, in one tidy table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, ShapeError
from ..geometry.domain import Domain
from ..network.network import Network
from ..partitions.many import partition_many
from ..partitions.partition import Partition
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, number, whole
from ..runtime.notices import warn
from ..runtime.pictures import picture
from ..runtime.progress import shows_progress
from .random_slices import random_slice

if TYPE_CHECKING:
    import pandas

_MANY = 5000
"""Partitions above which their number is said before they begin."""

KEYS = ("network", "points", "point", "slice", "side")
"""The columns that say which slice a row is about."""

MEASURES = ("regions", "density", "ARV", "ANV", "ARE", "median eccentricity", "mean slope", "largest slope")
"""The columns that are summarised, unless others are asked for."""

DRAWN = ("regions", "ARV", "ARE", "median eccentricity", "mean slope", "largest slope")
"""The columns that are drawn, unless others are asked for; ANV is 4 on every generic square, and density is 1 / ARV."""

Place: TypeAlias = tuple[str, int, int, float]
"""Name of a set of points, index of a point in it, number of a slice through it, side."""


@ieee
@shows_progress
def study(
    networks: Network | Mapping[str, Network],
    points: ArrayLike | Mapping[str, ArrayLike],
    *,
    slices: int = 1,
    side: float | Sequence[float] = 1.0,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
    **options: Any,
) -> pandas.DataFrame:
    """The statistics of every network on random slices through every point: a pandas table, one row a partition.

    Before it starts it says how many partitions that are, where they are more than 5,000.

    ``networks``: one, or several by name (architectures, checkpoints, with and without augmentation). ``points``:
    (M, *input shape), or several such sets by name (train, test, off the data). Through each point go ``slices``
    squares of each ``side`` (input units), as ``random_slice`` draws them with seed (seed, index of the point, number
    of the slice): all networks are measured on the same squares, squares of several sides lie in the same plane, and
    more points or slices change none of the rows before.

    Columns: ``KEYS``, which say what the row is about; ``complete``; those of ``Statistics.summary``, and the medians
    over the regions of area, eccentricity and slope. ``options`` are those of ``cpwl.partition_many`` (executor,
    backend, max_regions, ...). Raises ``ArgumentError`` or ``ShapeError`` for names or points that make no sense.
    """
    import pandas

    named = _named_networks(networks)
    sets = _named_points(points, named)
    several = isinstance(side, (Sequence, np.ndarray)) and not isinstance(side, str)
    sides = [number("side", length) for length in (inputs.rows("side", side) if several else [side])]
    slices, seed = whole("slices", slices, 1), whole("seed", seed, 0)
    inputs.progress(progress)
    places = [(name, i, k, s) for name, rows in sets.items() for i in range(len(rows)) for k in range(slices)
              for s in sides]  # fmt: skip
    count = len(places) * len(named)
    if count > _MANY:
        warn(
            f"study: {len(places):,} squares of {len(named)} network(s) are {count:,} partitions. Give fewer points, "
            "slices or sides for a first look; an executor shares the work."
        )
    rows = []
    for label, network in named.items():
        parts = partition_many(network, _domains(sets, places, seed), **options)
        for place, part in zip(places, parts, strict=True):
            rows.append(dict(zip(KEYS, (label, *place), strict=True)) | _measured(part))
            if progress is not None:
                progress(len(rows), count, label)
    return pandas.DataFrame(rows)


@ieee
def summarised(
    table: pandas.DataFrame,
    by: Sequence[str] = ("network", "points", "side"),
    *,
    measures: Sequence[str] = MEASURES,
    quantiles: Sequence[float] = (0.25, 0.5, 0.75),
) -> pandas.DataFrame:
    """Mean, standard deviation, extremes and quantiles over the slices of each group, a row a measure and group.

    The index is "measure" and ``by``; ``slices`` is how many rows of the table each group has. The deviation is that
    of a sample (n - 1), NaN for one slice.
    """
    missing = [name for name in (*by, *measures) if name not in table.columns]
    if missing:
        raise ArgumentError(f"by and measures must be columns of the table; it has no {', '.join(missing)}.")
    long = table.melt(id_vars=list(by), value_vars=list(measures), var_name="measure")
    groups = long.groupby(["measure", *by], sort=False)["value"]
    summary = groups.agg(slices="size", mean="mean", std="std", min="min")
    for q in quantiles:
        summary[f"q{100 * q:g}"] = groups.quantile(q)
    return summary.assign(max=groups.max())


@ieee
def plot_study(table: pandas.DataFrame, **options: Any) -> Any:
    """A matplotlib figure of the distributions over the slices; see ``cpwl.plots.plot_study``."""
    return picture("plot_study")(table, **{"measures": DRAWN, **options})


def _measured(part: Partition) -> dict[str, Any]:
    statistics = part.statistics()
    medians = {"area": statistics.areas, "eccentricity": statistics.eccentricities, "slope": statistics.slopes}
    return {
        "complete": part.complete,
        **statistics.summary,
        **{f"median {name}": float(np.median(values)) if len(part) else np.nan for name, values in medians.items()},
    }


def _domains(sets: Mapping[str, NDArray[np.float64]], places: Sequence[Place], seed: int) -> Iterator[Domain]:
    for name, i, k, side in places:
        yield random_slice(sets[name][i], side=side, seed=(seed, i, k))


def _named_networks(networks: Network | Mapping[str, Network]) -> dict[str, Network]:
    if not isinstance(networks, (Network, Mapping)):
        raise ArgumentError(f"networks must be one compiled network or several by name, got {type(networks).__name__}.")
    named = {"network": networks} if isinstance(networks, Network) else dict(networks)
    if not named or not all(isinstance(network, Network) for network in named.values()):
        kinds = {name: type(network).__name__ for name, network in named.items()}
        raise ArgumentError(f"networks must be one compiled network or several by name, got {kinds}.")
    return named


def _named_points(
    points: ArrayLike | Mapping[str, ArrayLike], networks: Mapping[str, Network]
) -> dict[str, NDArray[np.float64]]:
    """The sets, each (M, *input shape); flattened inputs are taken, and one input for a set of one."""
    given = dict(points) if isinstance(points, Mapping) else {"points": points}
    said = {name: f"points {name!r}" if isinstance(points, Mapping) else "points" for name in map(str, given)}
    sets = {str(name): finite(said[str(name)], rows) for name, rows in given.items()}
    for name, rows in sets.items():
        for label, network in networks.items():
            shapes = (network.input_shape, (network.inputs,))
            sets[name] = rows = rows[None] if rows.shape in shapes else rows
            if rows.shape[1:] not in shapes or not len(rows):
                raise ShapeError(
                    f"{said[name]} must have shape {('M', *network.input_shape)}, inputs of {label!r}, one or more; "
                    f"got {rows.shape}.".replace("'M'", "M")
                )
    if not sets:
        raise ArgumentError("points must be an array of points or several by name, got none.")
    return sets
