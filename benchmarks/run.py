"""cpwl beside the floor and beside other tools, on the reference networks: one table, one file of results.

    python benchmarks/run.py [NAME ...] [--tool TOOL ...] [--peer-python PATH] [--out FILE]

Every network is measured with every tool in a process of its own: medians of warm runs, CPU seconds of one thread.
"x floor" is to the network's own matrix products and convolutions, each over the vertices that exist at its stage,
computed in turns with the partition; "x beside" is what a region costs in multiples of what it costs in the network
beside which this one stands (``networks.BESIDE``), in turns as well; "x TOOL" is to another tool in the same call of
this script. Memory is what the first run adds to the imports. Without NAME: all networks but vgg-16, which is heavy;
those whose files ../shared/data lacks are left out, by name. Without --tool: the torch backend and the peers that are
installed in the interpreter --peer-python (regioncam, affinitree) or found (the splitter of ../shared/yardsticks, where
there is a g++), each up to the size at which it takes minutes or much memory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import numpy as np
from machine import import_time, machine
from measure import BACKENDS
from networks import HEAVY, REGIONS, layers_on_slice, missing, reference
from report import table
from rich.console import Console

HERE = Path(__file__).resolve().parent
SPLITTER = HERE.parents[1] / "shared/yardsticks/splitter.cpp"
PEERS = ("splitter", "regioncam", "affinitree")
LARGEST = {"regioncam": 100_000, "affinitree": 7_000}
"""The most regions with which a tool is asked when it was not named: beyond, it takes many minutes or gigabytes."""


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice([*REGIONS, *HEAVY]))
@click.option("--tool", "tools", multiple=True, type=click.Choice([*BACKENDS, *PEERS]))
@click.option("--least", default=3, show_default=True, help="Warm runs; more of those that take no time.")
@click.option("--threads", default=1, show_default=True, help="Of the torch backend.")
@click.option("--device", default=None, help="Of the torch backend.")
@click.option("--peer-python", default=sys.executable, help="The interpreter that has regioncam and affinitree.")
@click.option("--limit", default=900, show_default=True, help="Wall seconds for a network and a tool.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the results go, as JSON.")
def main(names: tuple[str, ...], tools: tuple[str, ...], out: Path | None, **options: Any) -> None:
    results: dict[str, Any] = {
        "when": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "machine": machine(options["device"]),
        "threads": options["threads"],
        "import": import_time(HERE.parent),
        "networks": {},
    }
    for name in names or REGIONS:
        if name in missing():
            Console(stderr=True).print(f"{name}: left out, ../shared/data/{missing()[name]} is absent")
            continue
        chosen = tools or _usual(name)
        results["networks"][name] = {
            tool: found for tool in chosen if (found := _measured(name, tool, options)) is not None
        }
        if out is not None:
            out.write_text(json.dumps(results, indent=1) + "\n")
    Console(width=160).print(table(results), *_lines(results), sep="\n")


def _usual(name: str) -> list[str]:
    """The tools that a network is measured with when none is named."""
    if name in HEAVY:
        return ["torch"]
    return [tool for tool in ("torch", *PEERS) if REGIONS[name] <= LARGEST.get(tool, 1 << 40)]


def _measured(name: str, tool: str, options: dict[str, Any]) -> dict[str, Any] | None:
    """What a process of its own found; None where the tool is absent or does not know such networks."""
    with tempfile.TemporaryDirectory() as folder:
        command = _command(name, tool, options, Path(folder) / "network.npz")
        if command is None:
            return None
        Console(stderr=True).print(f"{name}: {tool}")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=options["limit"], env=_environment())
        except subprocess.TimeoutExpired:
            return {"failure": f"> {options['limit']} s"}
    if done.returncode:
        return {"failure": "failed: " + (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    return {"expected": REGIONS.get(name), **json.loads(done.stdout.splitlines()[-1])}


def _command(name: str, tool: str, options: dict[str, Any], network: Path) -> list[Any] | None:
    least = ("--least", str(options["least"]))
    if tool in BACKENDS:
        place = () if options["device"] is None else ("--device", options["device"])
        return [sys.executable, HERE / "measure.py", name, tool, *least, "--threads", str(options["threads"]), *place]
    if not _written(name, network) or not _installed(tool, options["peer_python"]):
        return None
    python, *more = [sys.executable, "--source", SPLITTER] if tool == "splitter" else [options["peer_python"]]
    return [python, "-W", "ignore", HERE / "peers.py", tool, network, *least, *more]


def _written(name: str, path: Path) -> bool:
    """Whether the network is a perceptron, which is then in the file."""
    wanted = reference(name)
    try:
        layers = list(layers_on_slice(wanted))
    except TypeError:
        return False
    arrays = {
        f"{letter}{k}": array for k, layer in enumerate(layers) for letter, array in zip("Wb", layer, strict=True)
    }
    np.savez(path, half=np.abs(wanted.domain.polytope.vertices).max(), **arrays)
    return True


def _installed(tool: str, python: str) -> bool:
    if tool == "splitter":
        return SPLITTER.exists() and shutil.which("g++") is not None
    return subprocess.run([python, "-W", "ignore", "-c", f"import {tool}"], capture_output=True).returncode == 0


def _environment() -> dict[str, str]:
    """This one, with one thread for all who ask."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}


def _lines(results: dict[str, Any]) -> list[str]:
    """What does not depend on a network."""
    loaded = results["import"]
    torch = "loads torch" if loaded["torch"] else "without torch"
    text = f"import cpwl: {loaded['cpu']:.2f} s of CPU, {loaded['wall']:.2f} s, {torch}"
    return [text, "; ".join(f"{key} {value}" for key, value in results["machine"].items()), results["when"]]


if __name__ == "__main__":
    main()
