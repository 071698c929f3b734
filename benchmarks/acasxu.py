"""All properties of ACAS Xu: 186 verdicts, each with its counterexample or the count of what proves it.

    python benchmarks/acasxu.py [--property N ...] [--timeout S] [--out FILE] [--table FILE]

Properties 1 to 4 on all 45 networks, 5 and 6 on 1_1, 7 on 1_9, 8 on 2_9, 9 on 3_3, 10 on 4_5 (Katz et al., Reluplex,
CAV 2017), as VNN-LIB files of VNN-COMP 2021, from ../shared/data/acasxu. One process and one thread, instance by
instance; CPU seconds without reading the network, and with everything else that a verdict takes. Counterexamples are
evaluated again by cpwl.evaluate in exact arithmetic, and float32 ones by onnxruntime. FILE gets all numbers, exact
counterexamples as fractions among them.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import click
import numpy as np
from machine import machine
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
DATA = HERE.parents[1] / "shared" / "data" / "acasxu"

import cpwl  # noqa: E402
from cpwl.compiler.onnx_files.runtime import runner  # noqa: E402

ALL = [(i, j) for i in range(1, 6) for j in range(1, 10)]
NETWORKS = {
    1: ALL,
    2: ALL,
    3: ALL,
    4: ALL,
    5: [(1, 1)],
    6: [(1, 1)],
    7: [(1, 9)],
    8: [(2, 9)],
    9: [(3, 3)],
    10: [(4, 5)],
}
NNENUM = {1: 43.8, 2: 24.6, 3: 9.8, 4: 8.4, 5: 1.0, 6: 4.9, 7: 3.1, 8: 0.3, 9: 2.6, 10: 0.6}
"""Seconds of the fastest tool of VNN-COMP 2021, nnenum, on 64 threads, less one a network for its start."""
HOLD = {1: 45, 2: 6, 3: 42, 4: 42, 5: 1, 6: 1, 7: 0, 8: 0, 9: 1, 10: 1}
"""How many hold, by the tools of VNN-COMP 2021; the others are violated."""


def verdicts(properties: tuple[int, ...], timeout: float | None) -> Iterator[dict[str, Any]]:
    """One entry an instance."""
    for number in properties:
        spec = cpwl.Specification.read(DATA / f"prop_{number}.vnnlib")
        for i, j in NETWORKS[number]:
            file = DATA / f"ACASXU_run2a_{i}_{j}_batch_2000.onnx"
            net, run = cpwl.compile(file), runner(file)
            start = process_time()
            verdict = cpwl.verify(net, spec, timeout=timeout, run=run)
            yield {
                "property": number,
                "network": f"{i}_{j}",
                "verdict": verdict.status,
                "seconds": process_time() - start,
                "regions": verdict.regions,
                "dropped": verdict.dropped,
                **confirmed(net, spec, verdict, run),
            }


def confirmed(net: cpwl.Network, spec: cpwl.Specification, verdict: cpwl.Verdict, run: Any) -> dict[str, Any]:
    """The counterexample, if there is one, evaluated again."""
    found = verdict.counterexample
    if found is None:
        return {}
    outputs = cpwl.evaluate(net, found.x, backend="exact")
    if not spec.is_unsafe(found.x, outputs):
        raise click.ClickException(f"a counterexample is none: {found}")
    if found.float32 is not None and not spec.is_unsafe(found.float32, np.ravel(run(found.float32[None]))):
        raise click.ClickException(f"onnxruntime does not confirm: {found}")
    x, y = (list(map(str, values.ravel())) for values in (found.x, outputs))
    return {"x": x, "y": y, "float32": found.float32 is not None}


def row(number: int, entries: list[dict[str, Any]]) -> tuple[str, ...]:
    """The numbers of a property."""
    seconds = np.array([entry["seconds"] for entry in entries])
    counts = [sum(entry["verdict"] == status for entry in entries) for status in ("holds", "violated", "undecided")]
    longest = entries[int(seconds.argmax())]
    wanted = HOLD[number], len(NETWORKS[number]) - HOLD[number], 0
    agree = "yes" if tuple(counts) == wanted else "NO" if len(entries) == sum(wanted) else ""
    return (
        *(str(number), *map(str, counts), f"{seconds.sum():.1f}", f"{np.median(seconds):.2f}"),
        f"{seconds.max():.1f} ({longest['network']})",
        *(f"{sum(entry[what] for entry in entries):,}" for what in ("regions", "dropped")),
        *(f"{NNENUM[number]:.1f}", agree),
    )


HEADER = (
    *("property", "hold", "violated", "undecided", "s", "median", "longest", "regions", "dropped", "nnenum s", "agree"),
)


@click.command()
@click.option("--property", "properties", type=click.IntRange(1, 10), multiple=True, help="All by default.")
@click.option("--timeout", type=float, help="Seconds of an instance.")
@click.option("--out", type=click.Path(path_type=Path), help="File of results, .json.")
@click.option("--table", type=click.Path(path_type=Path), help="File of the table, .md.")
def main(properties: tuple[int, ...], timeout: float | None, out: Path | None, table: Path | None) -> None:
    """All properties of ACAS Xu."""
    if not DATA.exists():
        raise click.ClickException(f"{DATA} is absent.")
    console, entries = Console(), list[dict[str, Any]]()
    for entry in verdicts(properties or tuple(NETWORKS), timeout):
        entries.append(entry)
        shown = " ".join(str(entry[what]) for what in ("property", "network", "verdict", "regions", "dropped"))
        console.print(f"{shown} {entry['seconds']:.2f} s", highlight=False)
    rows = [row(n, chosen) for n in NETWORKS if (chosen := [e for e in entries if e["property"] == n])]
    shown_table = Table(*HEADER)
    for cells in rows:
        shown_table.add_row(*cells)
    console.print(shown_table)
    total = sum(entry["seconds"] for entry in entries)
    decided = sum(entry["verdict"] != "undecided" for entry in entries)
    console.print(f"{len(entries)} instances, {decided} decided, {total:.1f} CPU seconds")
    if out is not None:
        out.write_text(json.dumps({"machine": machine(), "seconds": total, "instances": entries}, indent=1) + "\n")
    if table is not None:
        lines = [HEADER, ("---",) * len(HEADER), *rows]
        table.write_text("".join(f"| {' | '.join(cells)} |\n" for cells in lines))


if __name__ == "__main__":
    main()
