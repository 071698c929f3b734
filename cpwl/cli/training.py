"""``cpwl animate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..console import Reporter
from .group import main
from .parameters import NEW, PICTURES, file_type

_MOVIES = (".gif", ".mp4")


@main.command()
@click.argument("recording", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=NEW, callback=file_type(_MOVIES), help="File for the animation: .gif or .mp4.")
@click.option("--fps", type=click.FloatRange(0, min_open=True), default=6.0, show_default=True,
              help="Frames a second.")  # fmt: skip
@click.option("--width", type=click.IntRange(100, 4000), default=480, show_default=True, help="Of a frame, in pixels.")
@click.option("--scale", type=click.Choice(["log", "linear"]), default="log", show_default=True,
              help="Of the colours, which show the slope.")  # fmt: skip
@click.option("--curves", type=NEW, callback=file_type(PICTURES), help="File for the statistics over the steps.")
@click.option("--frames", type=NEW, callback=file_type(PICTURES), help="File for four frames side by side.")
@click.option("--csv", "table", type=NEW, help="File for the table of metrics and statistics.")
def animate(
    recording: Path, out: Path | None, fps: float, width: int, scale: Any, curves: Path | None, frames: Path | None,
    table: Path | None,
) -> None:  # fmt: skip
    """Draw RECORDING, the folder of a cpwl.analysis.Recorder: how regions and boundary moved in training.

    \b
    Examples:
      cpwl animate training --out training.gif --curves curves.png
      cpwl animate training --out training.mp4 --fps 12 --width 800
    """
    if not any((out, curves, frames, table)):
        raise click.UsageError("Give at least one of --out, --curves, --frames and --csv.")
    from ..analysis import Recording

    found = Recording.load(recording)
    Reporter().line(repr(found))
    if out is not None:
        found.animate(out, fps=fps, width=width, scale=scale)
    if curves is not None:
        found.plot_curves().savefig(curves, bbox_inches="tight")
    if frames is not None:
        found.plot(scale=scale).savefig(frames, bbox_inches="tight")
    if table is not None:
        found.table().to_csv(table)
