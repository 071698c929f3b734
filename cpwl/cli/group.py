"""The group that all commands belong to."""

from __future__ import annotations

import re
import sys
import warnings
from itertools import groupby
from typing import Any

import click

from ..errors import (
    ArgumentError,
    CpwlError,
    FileFormatError,
    IncompleteWarning,
    UnsupportedDimensionError,
    UnsupportedLayerError,
)
from ..runtime.version import RELEASE

_BAD_INPUT = (
    *(ArgumentError, FileFormatError, UnsupportedDimensionError, UnsupportedLayerError),
    *(FileNotFoundError, PermissionError),
)


SECTIONS = {
    "Start here": ("demo", "partition"),
    "Look at a partition": ("stats", "units", "boundary", "nearest", "plot", "view"),
    "Compare networks and data": ("study", "agree", "clusters", "transfer"),
    "Watch a training": ("record", "animate"),
    "Prove and compare": ("verify", "certify", "check", "extremum", "constant", "equal", "hash", "compare"),
}
"""The commands in the order in which a new user needs them; one that is not named here is listed last."""

_SENTENCE = 200
"""The longest first sentence of a command's help that is listed in whole."""


_WORDS = (
    (r"\buntil=('[^']*'|\"[^\"]*\")", r"--until \1"),
    (r"\boutput=(?=\W|$)", "--model-output"),
    (r"\b(until|vary|backend|device)=(?=\W|$)", r"--\1"),
    (r"\b(max_regions|max_seconds|memory_limit)\b", lambda match: "--" + match[1].replace("_", "-")),
    (r"Write it again with Partition\.save\.", 'Write it again with "cpwl partition".'),
    (r" Read it with cpwl\.Certificate\.load, and take its partition, or check", " Check"),
    (r"cpwl\.partition, or the command cpwl partition", '"cpwl partition"'),
)
"""What the library says of its arguments, and how a command line says it."""


def in_words_of_options(message: str) -> str:
    """An error of the library with the names that options have."""
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    return message


class _Commands(click.Group):
    """A group that lists its commands in sections, and reports the library's errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        named = [name for names in SECTIONS.values() for name in names]
        return sorted(super().list_commands(ctx), key=lambda name: named.index(name) if name in named else len(named))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        section = {name: title for title, names in SECTIONS.items() for name in names}
        for title, names in groupby(self.list_commands(ctx), key=lambda name: section.get(name, "More")):
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(_SENTENCE)) for name in names])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", IncompleteWarning)  # a line says so wherever a partition is read
                return super().invoke(ctx)
        except (CpwlError, OSError) as error:
            text = in_words_of_options(" ".join(str(error).split()))
            click.echo(f"Error: {text}", err=True)
            sys.exit(2 if isinstance(error, _BAD_INPUT) else 1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(RELEASE, prog_name="cpwl")
def main() -> None:
    """The exact geometry of piecewise-linear neural networks.

    \b
    Quick start:
      cpwl demo
      cpwl partition model.pt2 --box -1 1 --out part.npz
      cpwl view part.npz --out view.html

    The first does everything on a small network; the others take a model of yours (of two inputs; for more inputs
    "cpwl partition" has --through). MODEL is a network in a file: .onnx, .nnet, or an exported torch program (.pt2).
    PART is a file that "cpwl partition" wrote. "cpwl COMMAND --help" explains a command and shows an example.
    """
