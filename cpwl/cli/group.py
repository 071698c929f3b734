"""The group that all commands belong to."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import __version__
from ..errors import ArgumentError, CpwlError, FileFormatError, UnsupportedDimensionError, UnsupportedLayerError

_BAD_INPUT = (
    *(ArgumentError, FileFormatError, UnsupportedDimensionError, UnsupportedLayerError),
    *(FileNotFoundError, PermissionError),
)


class _Commands(click.Group):
    """A group that reports the library's errors in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (CpwlError, OSError) as error:
            text = " ".join(str(error).split())
            click.echo(f"Error: {text}", err=True)
            sys.exit(2 if isinstance(error, _BAD_INPUT) else 1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cpwl")
def main() -> None:
    """The exact geometry of piecewise-linear neural networks.

    Begin with "cpwl demo".
    """
