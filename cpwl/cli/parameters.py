"""Kinds of arguments that several commands take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from .. import backends
from ..errors import ArgumentError
from ..storage.files import check_writable, named_as

PICTURES = (".png", ".svg", ".pdf")


def file_type(suffixes: tuple[str, ...]) -> Any:
    """A check that the name of a file to be written ends in one of the suffixes."""

    def check(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and value.suffix.lower() not in suffixes:
            raise click.BadParameter(f"the name must end in {', '.join(suffixes)}, got '{value.name}'.")
        return value

    return check


def no_other(what: str, *endings: str) -> Any:
    """A check that the name of a file to be written says no other format; see ``named_as``."""

    def check(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
        try:
            return value if value is None else named_as(value, what, *endings)
        except ArgumentError as error:
            raise click.BadParameter(str(error)) from None

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


class PartitionFile(click.Path):
    """A file with a partition; of a folder it says what can be done with one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if Path(os.fsdecode(value)).is_dir():
            self.fail(
                f'"{value}" is a folder. "cpwl stats", "cpwl plot" and "cpwl check" read folders, a part at a time; '
                "this command needs all regions at once: a file (cpwl partition --out part.npz).",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


def backend_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The name of a backend that there is when the command runs."""
    if value not in backends.names():
        raise click.BadParameter(f"{value!r} is not one of {', '.join(map(repr, backends.names()))}.")
    return value


EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW = NewFile(dir_okay=False, path_type=Path)
CERTIFICATE = no_other("a certificate, JSON", ".json", ".gz")
TABLE = no_other("a table, comma-separated", ".csv")
JSON = no_other("JSON", ".json")
BACKEND = click.option(
    "--backend",
    metavar="NAME",
    callback=backend_name,
    default="torch",
    show_default=True,
    help="float64 coordinates with exact decisions, or rational numbers throughout (slower).",
)
PART = click.argument("part", type=PartitionFile(exists=True, path_type=Path))


def check_goes_with(owner: str, given: bool, *names: str) -> None:
    """Raises ``click.UsageError`` if one of these options was given, and not the one that they go with."""
    context = click.get_current_context()
    for name in () if given else names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} goes with {owner}.")
