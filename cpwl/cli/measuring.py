"""``cpwl stats | units | study``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from numpy.typing import NDArray

from .console import Reporter
from .files import compile_model, load, read_numbers, save_figure, save_table, say_incomplete
from .group import main
from .parameters import EXISTING, NEW, PART, PICTURES, TABLE, file_type

if TYPE_CHECKING:
    import pandas

    from ..datasets.folder_statistics import WrittenStatistics
    from ..statistics.statistics import Statistics

PLOT = click.option("--plot", "picture", type=NEW, callback=file_type(PICTURES), help="File: .png, .svg or .pdf.")


@main.command()
@click.argument("part", type=click.Path(exists=True, path_type=Path))
@click.option("--csv", "table", type=NEW, callback=TABLE, help="File for the table of regions.")
@PLOT
def stats(part: Path, table: Path | None, picture: Path | None) -> None:
    """Count and measure the regions of PART.

    PART is a file, or a folder that "cpwl partition --out FOLDER" has written: of that no more than some thousand
    regions are held at a time. ARV, ANV and ARE are the average area, number of vertices and eccentricity of a region;
    density is regions for each unit of area; slopes are norms of the regions' linear maps. --plot draws their
    distributions.

    \b
    Examples:
      cpwl stats part.npz --csv regions.csv --plot regions.png
      cpwl stats regions/
    """
    if part.is_dir() and picture is not None:
        raise click.UsageError("--plot draws the partition of a file; a folder may hold too many regions.")
    statistics = _statistics(part)
    Reporter().numbers(statistics.summary)
    if table is not None:
        statistics.to_csv(table)
    if picture is not None:
        save_figure(statistics.plot(), picture)  # type: ignore[union-attr]


def _statistics(part: Path) -> Statistics | WrittenStatistics:
    if not part.is_dir():
        return load(part).statistics()
    from ..datasets.folder_statistics import statistics_of_folder

    statistics = statistics_of_folder(part)
    if not statistics.written.complete:
        say_incomplete()
    return statistics


@main.command()
@PART
@click.option("--csv", "table", type=NEW, callback=TABLE, help="File for the table of units, a row each.")
@PLOT
def units(part: Path, table: Path | None, picture: Path | None) -> None:
    """Tell which units cut the domain of PART, layer by layer.

    A unit cuts, or is dead (never active) or linear (always active) on all of the domain; "repeats" are units that cut
    along exactly the same edges as one before them; "regions" are there after the layer. --plot draws a panel for each
    layer with its units' boundaries in colours.

    \b
    Example:
      cpwl units part.npz --csv units.csv --plot units.png
    """
    from ..analysis.unit_activity import units as of

    activity = of(load(part))
    _print(activity.by_layer().reset_index())
    if table is not None:
        save_table(activity.to_frame(), table)
    if picture is not None:
        save_figure(activity.plot(), picture)


@main.command()
@click.argument("models", type=EXISTING, nargs=-1, required=True)
@click.option("--data", "--points", "sets", multiple=True, required=True, metavar="[NAME=]FILE",
              help="Inputs: an .npy file (N, followed by the shape of an input); or several.")  # fmt: skip
@click.option("--count", type=click.IntRange(1), help="Take so many points of each file, from its beginning.")
@click.option("--off-data", "off", type=click.IntRange(1), metavar="N",
              help="Add N random points of the box around the first file's data.")  # fmt: skip
@click.option("--slices", type=click.IntRange(1), default=1, show_default=True, help="Random planes through a point.")
@click.option("--side", type=click.FloatRange(0, min_open=True), multiple=True, default=(1.0,), show_default=True,
              help="Side of the squares, in input units; may be given several times.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--by", type=click.Choice(["points", "network", "side"]), default="points", show_default=True,
              help="What stands side by side in the picture; colours are networks (with network: points). "
                   "Squares of several sides need --by side.")  # fmt: skip
@click.option("--csv", "table", type=NEW, callback=TABLE, help="File for the table, a row each slice.")
@PLOT
def study(
    models: tuple[Path, ...], sets: tuple[str, ...], count: int | None, off: int | None, slices: int,
    side: tuple[float, ...], seed: int, by: str, table: Path | None, picture: Path | None,
) -> None:  # fmt: skip
    """Measure MODELS on random slices through points.

    Through each point go 2-D squares in random planes; all models are measured on the same ones. Printed are mean,
    deviation and quartiles over the slices; docs/statistics.md says what the numbers mean.

    \b
    Example:
      cpwl study plain.pt2 augmented.pt2 --data test=images.npy --count 20 --off-data 20 --csv slices.csv
    """
    from ..analysis.many_slices import plot_study, summarised
    from ..analysis.many_slices import study as measure
    from ..analysis.random_slices import off_data

    report, points = Reporter(), _points(sets)
    if off is not None:
        points["off data"] = off_data(next(iter(points.values())), off, seed=seed)
    chosen = {name: rows if name == "off data" else rows[:count] for name, rows in points.items()}
    networks = {name: compile_model(model, report) for name, model in zip(_names(models), models, strict=True)}
    squares = sum(map(len, chosen.values())) * slices * len(side)
    report.line(f"  {squares:,} squares, {len(networks)} network(s): {squares * len(networks):,} partitions")
    with report.step("measure") as step:
        measured = measure(networks, chosen, slices=slices, side=side, seed=seed, progress=step.progress)
        step.result = f"{len(measured):,} slices, {measured['regions'].sum():,} regions"
    _print(summarised(measured).reset_index())
    if table is not None:
        save_table(measured, table, index=False)
    if picture is not None:
        save_figure(plot_study(measured, by=by, hue="points" if by == "network" else "network"), picture)


def _points(sets: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays by name; without one the file's stem."""
    arrays: dict[str, NDArray[Any]] = {}
    for text in sets:
        name, _, file = text.rpartition("=")
        path = Path(file)
        if not path.is_file():
            raise click.BadParameter(f"file '{file}' does not exist.", param_hint="--data")
        arrays[name or path.stem] = read_numbers(path, "--data")
    if len(arrays) < len(sets):
        raise click.BadParameter("each set needs a name of its own. Write --data NAME=FILE.", param_hint="--data")
    return arrays


def _names(models: Sequence[Path]) -> list[str]:
    """The stems of files, where they differ; else their names as given."""
    stems = [model.stem for model in models]
    names = stems if len(set(stems)) == len(stems) else [str(model) for model in models]
    if len(set(names)) < len(names):
        raise click.BadParameter("the same model is given twice.")
    return names


def _print(table: pandas.DataFrame) -> None:
    """A table for people: fractions with four digits."""
    report = Reporter()
    text = table.to_string(index=False, float_format=lambda value: f"{value:.4g}")
    for line in text.splitlines():
        report.line("  " + line)
