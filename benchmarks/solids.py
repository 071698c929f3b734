"""Partitions of solids beside the yardsticks of ../shared: one table, one file of results.

    python benchmarks/solids.py [NAME ...] [--tool TOOL ...] [--out FILE]

Warm medians of CPU seconds of one thread, every tool on every network in a process of its own, in the same call.
splitter: a C++ cell splitter that keeps nothing (splitter_nd.cpp); lattice: the prototype of the lattice in C++, with
signs in float64, in one block (nd/lat.cpp). Both are compiled here, if there is a g++. Memory is what the first run
adds to the imports. hcas are 15 networks one after the other: sums, and the largest memory. Those whose files
../shared/data lacks are left out, by name.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np
from machine import machine
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from timing import Cost, children, cost, in_turns, median, peak_memory

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
SHARED = HERE.parents[1] / "shared"
DATA = SHARED / "data"

import cpwl  # noqa: E402
from cpwl.network import Dense, Network  # noqa: E402

SOURCES = {
    "splitter": SHARED / "yardsticks/splitter_nd.cpp",
    "lattice": SHARED / "yardsticks/nd/lat.cpp",
}
REGIONS = {"mlp3d-16x3": 16_446, "mlp4d-12x2": 6_228, "hcas": 1_531_306, "fox": 1_409_174}
"""Agreed by the yardsticks."""
LIMITS = {"mlp3d-16x3": 0.05, "mlp4d-12x2": 0.05, "hcas": 6.0, "fox": 8.0}
"""CPU seconds that are asked for."""
WIDTHS = {"mlp3d-16x3": [3, 16, 16, 16, 1], "mlp4d-12x2": [4, 12, 12, 1]}
NEEDS = {"hcas": DATA / "hcas", "fox": DATA / "implicit/fox.npz"}

Layers = list[tuple[NDArray[np.float64], NDArray[np.float64]]]
Problem = tuple[Network, cpwl.Domain, Layers, float]
"""A network on a domain; and the same as layers on a cube of some half width."""


def problems(name: str) -> list[Callable[[], Problem]]:
    """What is computed under a name."""
    if name == "hcas":
        return [lambda path=path: _horizontal_cas(path) for path in sorted(NEEDS[name].glob("*.nnet"))]  # type: ignore[misc]
    return [_fox if name == "fox" else lambda: _perceptron(name)]


def _perceptron(name: str) -> Problem:
    """W ~ N(0, 2 / fan_in), b ~ N(0, 0.01), as in ``networks.py``."""
    random, layers = np.random.default_rng(zlib.crc32(name.encode())), []
    for fan_in, fan_out in pairwise(WIDTHS[name]):
        weight = random.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in)
        layers.append((weight, random.standard_normal(fan_out) * 0.1))
    return _on_cube(layers)


def _fox() -> Problem:
    from tests.support.real_data import implicit

    network = implicit(NEEDS["fox"])
    return _on_cube([(node.op.weight, node.op.bias) for node in network.nodes if isinstance(node.op, Dense)])


def _on_cube(layers: Layers) -> Problem:
    dim = layers[0][0].shape[1]
    return Network.mlp(*zip(*layers, strict=True)), cpwl.Domain.box([-1.0] * dim, [1.0] * dim), layers, 1.0


def _horizontal_cas(path: Path) -> Problem:
    """A network of HorizontalCAS on all of its inputs; yardsticks get these scaled to the cube, without the clip."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("//")]
    low, high, means, ranges = (np.array([float(x) for x in lines[k].split(",") if x.strip()]) for k in (3, 4, 5, 6))
    network = cpwl.compile(path)
    layers = [(node.op.weight, node.op.bias) for node in network.nodes if isinstance(node.op, Dense)]
    weight, bias = layers[0]
    half, middle = (high - low) / 2 / ranges[:-1], ((high + low) / 2 - means[:-1]) / ranges[:-1]
    layers[0] = weight * half, bias + weight @ middle
    return network, cpwl.Domain.box(low, high), layers, 1.0


# ---- one tool, in this process ---------------------------------------------------------------------------------------
def _measured(name: str, least: int, seconds: float) -> dict[str, Any]:
    """cpwl on all networks of a name."""
    import torch

    torch.set_num_threads(1)
    found: dict[str, Any] = {"regions": 0, "cpu": 0.0, "wall": 0.0, "memory": 0, "settled": 0, "euler": []}
    for problem in problems(name):
        network, domain, _, _ = problem()
        before = peak_memory()
        part = cpwl.partition(network, domain)
        found["memory"] = max(found["memory"], peak_memory() - before)
        off = abs(float(part.volumes().sum()) / domain.volume - 1) if len(part) < 100_000 else 0.0
        assert off < 1e-9, f"volumes are off by {off}"
        found["regions"] += len(part)
        found["settled"] += part.settled
        found["euler"].append(part.arrangement.euler)
        del part
        (costs,) = in_turns([lambda net=network, dom=domain: cpwl.partition(net, dom)], least, seconds)  # type: ignore[misc]
        middle = median(costs)
        found["cpu"] += middle.cpu
        found["wall"] += middle.wall
    assert set(found.pop("euler")) == {1}
    return found


def _yardstick(tool: str, name: str, least: int) -> dict[str, Any]:
    """A C++ program on all networks of a name: its compilation is not counted, its start is."""
    found: dict[str, Any] = {"regions": 0, "cpu": 0.0, "wall": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        program, file = Path(folder) / tool, Path(folder) / "network.bin"
        subprocess.run(["g++", "-O3", "-march=native", "-o", program, SOURCES[tool]], check=True, capture_output=True)
        for problem in problems(name):
            _, _, layers, half = problem()
            file.write_bytes(_as_binary(layers[:-1]))
            costs, text = zip(*(_run([program, file, str(half)]) for _ in range(least)), strict=True)
            middle = median(costs)
            words = text[0].split()
            found["regions"] += int(words[1] if tool == "splitter" else words[words.index("euler") - 1])
            found["cpu"] += middle.cpu
            found["wall"] += middle.wall
    return found


def _run(command: list[Any]) -> tuple[Cost, str]:
    """What a program costs, and what it prints."""
    texts: list[str] = []
    before = children()
    done = cost(lambda: texts.append(subprocess.check_output(command, text=True)))
    return Cost(children() - before, done.wall), texts[0]


def _as_binary(hidden: Layers) -> bytes:
    """int32 number of layers and widths, then the weights (out, in) and biases of each as float64."""
    widths = [hidden[0][0].shape[1], *(len(bias) for _, bias in hidden)]
    parts = [np.array([len(hidden), *widths], np.int32).tobytes()]
    for weight, bias in hidden:
        parts += [np.ascontiguousarray(weight).tobytes(), bias.tobytes()]
    return b"".join(parts)


# ---- all of them -----------------------------------------------------------------------------------------------------
@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice([*REGIONS]))
@click.option("--tool", "tools", multiple=True, type=click.Choice(["torch", *SOURCES]))
@click.option("--least", default=3, show_default=True, help="Warm runs.")
@click.option("--limit", default=900, show_default=True, help="Wall seconds for a network and a tool.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the results go, as JSON.")
@click.option("--here", is_flag=True, hidden=True, help="Measures one tool in this process, and prints JSON.")
def main(names: tuple[str, ...], tools: tuple[str, ...], least: int, limit: int, out: Path | None, here: bool) -> None:
    if here:
        name, tool = names[0], tools[0]
        click.echo(json.dumps(_measured(name, least, 1.0) if tool == "torch" else _yardstick(tool, name, least)))
        return
    results: dict[str, Any] = {"machine": machine(None), "networks": {}}
    for name in names or REGIONS:
        if name in NEEDS and not NEEDS[name].exists():
            Console(stderr=True).print(f"{name}: left out, {NEEDS[name]} is absent")
            continue
        chosen = tools or ("torch", *(tool for tool, path in SOURCES.items() if path.exists() and shutil.which("g++")))
        results["networks"][name] = {tool: _apart(name, tool, least, limit) for tool in chosen}
        if out is not None:
            out.write_text(json.dumps(results, indent=1) + "\n")
    Console(width=120).print(_table(results["networks"]))


def _apart(name: str, tool: str, least: int, limit: int) -> dict[str, Any]:
    """What a process of its own found."""
    Console(stderr=True).print(f"{name}: {tool}")
    command = [sys.executable, str(HERE / "solids.py"), name, "--tool", tool, "--least", str(least), "--here"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"> {limit} s"}
    if done.returncode:
        return {"failure": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _table(networks: dict[str, Any]) -> Table:
    result = Table()
    for title in ("network", "tool", "regions", "CPU s", "µs a region", "MiB", "asked for"):
        result.add_column(title, justify="left" if title in ("network", "tool") else "right")
    for name, tools in networks.items():
        for tool, found in tools.items():
            if "failure" in found:
                result.add_row(name, tool, found["failure"])
                continue
            regions = found["regions"]
            wrong = "" if regions == REGIONS[name] else f" (not {REGIONS[name]:,})"
            memory = f"{found['memory'] / 2**20:,.0f}" if "memory" in found else ""
            asked = f"{LIMITS[name]} s" if tool == "torch" else ""
            each = f"{1e6 * found['cpu'] / regions:.2f}"
            result.add_row(name, tool, f"{regions:,}{wrong}", f"{found['cpu']:.3f}", each, memory, asked)
    return result


if __name__ == "__main__":
    main()
