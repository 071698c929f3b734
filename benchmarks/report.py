"""The table of a benchmark's results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from measure import BACKENDS
from rich import box
from rich.table import Table

Found = dict[str, Any]


def table(results: Found) -> Table:
    """A row for each network and tool, in Markdown; the last columns are cpwl's ratios to other tools.

    "us a region" is CPU time; "x beside" is its ratio to that of the network beside which one is measured.
    """
    tools = {tool: None for found in results["networks"].values() for tool in found}
    others = [tool for tool in tools if tool not in BACKENDS]
    ratios = [f"x {tool}" for tool in ("floor", *others)]
    columns = ["network", "tool", "regions", "CPU s", "wall s", "MB", "us a region", "x beside", *ratios]
    made = Table(*columns, box=box.MARKDOWN)
    for row in rows(results, others):
        made.add_row(*row)
    return made


def rows(results: Found, others: list[str]) -> Iterator[list[str]]:
    """The rows as text."""
    for name, by_tool in results["networks"].items():
        for tool, found in by_tool.items():
            if "failure" in found:
                yield [name, tool, found["failure"], *[""] * (6 + len(others))]
                continue
            memory = f"{found['memory'] / 1e6:.0f}" if "memory" in found else ""
            floor = f"{found['cpu'] / found['floor']:.3g}" if "floor" in found else ""
            each = f"{found['cpu'] / found['regions'] * 1e6:.3g}"
            ratios = ["" if tool in others else _ratio(found, by_tool.get(other, {})) for other in others]
            costs = _seconds(found["cpu"]), _seconds(found["wall"]), memory, each, _beside(found), floor
            yield [name, tool, _count(found), *costs, *ratios]


def _count(found: Found) -> str:
    """The number of regions, and what is wrong with it."""
    wrong = "" if found["expected"] in (None, found["regions"]) else f" (WRONG, not {found['expected']:,})"
    if found.get("euler", 1) != 1:
        wrong += f" (V-E+F = {found['euler']})"
    ambiguous = f", {found['ambiguous']:,} ambiguous" if found.get("ambiguous") else ""
    return f"{found['regions']:,}{wrong}{ambiguous}"


def _seconds(seconds: float) -> str:
    """Three digits."""
    return f"{seconds:.4f}" if seconds < 0.1 else f"{seconds:.3g}"


def _ratio(found: Found, other: Found) -> str:
    return f"{found['cpu'] / other['cpu']:.2g}" if "cpu" in other else ""


def _beside(found: Found) -> str:
    """The ratio of what a region costs to what it costs in the network beside."""
    if "beside" not in found:
        return ""
    other = found["beside_cpu"] / found["beside_regions"]
    return f"{found['cpu'] / found['regions'] / other:.2g} {found['beside']}"
