"""``cpwl plot | view``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .files import decision_boundary, load
from .group import main
from .parameters import NEW, PART, PICTURES, file_type


@main.command()
@PART
@click.option("--out", type=NEW, required=True, callback=file_type(PICTURES), help="File: .png, .svg or .pdf.")
@click.option("--color", type=click.Choice(["slope", "area", "class", "pattern"]), default="slope", show_default=True,
              help="What the colours show.")  # fmt: skip
@click.option("--boundary", "with_boundary", is_flag=True, help="Draw the decision boundary in red.")
@click.option("--level", type=float, help="With --boundary, for a network of one output: its level (0 by default).")
def plot(part: Path, out: Path, color: Any, with_boundary: bool, level: float | None) -> None:
    """Draw the regions of PART into a picture file.

    \b
    Example:
      cpwl plot part.npz --color class --boundary --out picture.png
    """
    from ..plot import plot as draw

    loaded = load(part)
    found = decision_boundary(loaded, level) if with_boundary else None
    picture: Any = draw(loaded, color=color, boundary=found).figure
    picture.savefig(out, bbox_inches="tight")


@main.command()
@PART
@click.option("--out", type=NEW, required=True, callback=file_type((".html",)), help="File: .html.")
@click.option("--color", type=click.Choice(["slope", "area", "class", "pattern", "output"]), default="slope",
              show_default=True, help="At first; the page offers all.")  # fmt: skip
@click.option("--boundary", "with_boundary", is_flag=True, help="Draw the decision boundary in red.")
@click.option("--level", type=float, help="With --boundary, for a network of one output: its level (0 by default).")
@click.option("--samples", type=click.IntRange(0), default=0, show_default=True,
              help="With --boundary: mark so many random points of it.")  # fmt: skip
def view(part: Path, out: Path, color: Any, with_boundary: bool, level: float | None, samples: int) -> None:
    """Write an interactive page of PART for a browser.

    It is one file, which needs no network: pan and zoom, and see the affine map of the region under the mouse.

    \b
    Example:
      cpwl view part.npz --boundary --samples 20 --out view.html
    """
    from ..view import view as write

    loaded = load(part)
    write(
        loaded, out, color=color, boundary=decision_boundary(loaded, level) if with_boundary else None, samples=samples
    )
