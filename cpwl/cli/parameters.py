"""Kinds of arguments that several commands take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from .. import backends
from ..errors import CpwlError, check_planar
from ..storage.files import check_writable
from .files import read_numbers

PICTURES = (".png", ".svg", ".pdf")


def file_type(suffixes: tuple[str, ...]) -> Any:
    """A check that the name of a file to be written ends in one of the suffixes."""

    def check(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in suffixes:
            raise click.BadParameter(f"the name must end in {', '.join(suffixes)}, got '{value.name}'.")
        return value

    return check


class NewFile(click.Path):
    """A file, or with ``file_okay=False`` a folder, to be written; that it can be is tried before any computing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        place = Path(os.fsdecode(path))
        try:
            check_writable(place / "file" if place.is_dir() else place)
        except OSError as error:
            if not place.parent.exists():
                self.fail(f"folder '{place.parent}' does not exist. Create it first.", param, ctx)
            self.fail(f"'{place}' cannot be written: {error.strerror}.", param, ctx)
        return path


def backend_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The name of a backend that there is when the command runs."""
    if value not in backends.names():
        raise click.BadParameter(f"{value!r} is not one of {', '.join(map(repr, backends.names()))}.")
    return value


EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = NewFile(dir_okay=False, path_type=Path)
PART = click.argument("part", type=EXISTING)

_DOMAIN = (
    click.option("--box", type=(float, float), multiple=True, metavar="LO HI",
                 help="Domain: LO <= x <= HI, the input space itself, once for all inputs, or once for each."),
    click.option("--through", type=EXISTING,
                 help="Domain: a square around three points, an .npy file (3, followed by the shape of an input). "
                      "Two points give a line, four a cube."),
    click.option("--margin", type=click.FloatRange(0), default=0.5, show_default=True,
                 help="Enlarges that square (line, cube) by the factor 1 + margin."),
    click.option("--segment", type=EXISTING,
                 help="Domain: the segment between two points, an .npy file (2, followed by the shape of an input)."),
    click.option("--polygon", type=EXISTING,
                 help="Domain of a network of two inputs: a convex polygon, an .npy or text file (N, 2)."),
)  # fmt: skip


def domain_options(command: Any) -> Any:
    """Adds the options that give a domain to a command: ``box``, ``through``, ``margin``, ``segment``, ``polygon``."""
    for option in reversed(_DOMAIN):
        command = option(command)
    return command


def check_domain(
    box: tuple[tuple[float, float], ...],
    through: Path | None,
    segment: Path | None,
    polygon: Path | None,
    *,
    planar: str | None = None,
) -> None:
    """Raises ``click.UsageError`` unless the domain is given in one way, and is one as far as no network is needed.

    ``planar``: what is for planes alone, such as "pictures"; then a domain that is seen to be none is refused.
    """
    if sum(map(bool, (box, through, segment, polygon))) != 1:
        raise click.UsageError("Give the domain by exactly one of --box, --through, --segment and --polygon.")
    from ..geometry.domain import Domain

    given = {"--box": box, "--through": through, "--segment": segment, "--polygon": polygon}
    (option,) = (name for name, value in given.items() if value)
    try:
        if polygon is not None:
            Domain.polygon(read_numbers(polygon))
        elif through is not None:
            points = read_numbers(through)
            if len(points) < 2:
                raise click.BadParameter(f"{through} must hold two points or more, got {len(points)}.")
            Domain.through(*points)
        elif segment is not None:
            points = read_numbers(segment)
            if len(points) != 2:
                raise click.BadParameter(f"{segment} must hold two points, got {len(points)}.")
            Domain.segment(*points)
        for low, high in box:
            Domain.box(low, high)
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint=option) from None
    except CpwlError as error:
        said = str(error) if not box else f"LO must be a finite number below HI, got {shown(box)}."
        raise click.BadParameter(said, param_hint=option) from None
    # The dimension of a box that is given by one pair is that of the network's inputs.
    dimensions = {"--box": len(box) if len(box) > 1 else 2, "--polygon": 2}
    if planar is not None:
        check_planar(dimensions.get(option) or len(points) - 1, planar)


def shown(box: tuple[tuple[float, float], ...]) -> str:
    """Bounds as they were given."""
    return ", ".join(f"{low:g} {high:g}" for low, high in box)
