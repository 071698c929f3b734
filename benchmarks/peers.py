"""Measures another tool on one perceptron with two inputs, in this process; ``run.py`` starts it. Prints JSON.

    python benchmarks/peers.py TOOL NETWORK.npz [--least 3] [--seconds 2]

NETWORK.npz holds the weights and biases W0, b0, W1, b1, ... and ``half``: the domain is the square of that half width.
Needs numpy and the tool itself, nothing else, so that any interpreter will do. splitter: a C++ source that reads the
network from a file (--source).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from timing import Cost, children, cost, in_turns, median, peak_memory

Layers = list[tuple[np.ndarray, np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=[*PEERS, "splitter"])
    parser.add_argument("network", type=Path)
    parser.add_argument("--least", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--source", type=Path)
    chosen = parser.parse_args()
    with np.load(chosen.network) as file:
        layers = [(file[f"W{k}"], file[f"b{k}"]) for k in range(len(file.files) // 2)]
        half = float(file["half"])
    if chosen.tool == "splitter":
        found = _split(chosen.source, layers, half, chosen.least)
    else:
        found = _measured(PEERS[chosen.tool](layers, half), chosen.least, chosen.seconds)
        found["version"] = importlib.metadata.version(chosen.tool)
    print(json.dumps(found))


def _measured(run: Callable[[], int], least: int, seconds: float) -> dict[str, float | str]:
    before = peak_memory()
    regions: list[int] = []
    cold = cost(lambda: regions.append(run()))
    memory = peak_memory() - before
    (costs,) = in_turns([run], least, seconds)
    return {"regions": regions[0], "memory": memory, "cold": cold.cpu, **_middle(costs)}


def _middle(costs: list[Cost]) -> dict[str, float]:
    middle = median(costs)
    return {"cpu": middle.cpu, "wall": middle.wall, "runs": len(costs)}


def _regioncam(layers: Layers, half: float) -> Callable[[], int]:
    """float32 throughout."""
    import regioncam

    single = [(weight.T.astype(np.float32), bias.astype(np.float32)) for weight, bias in layers]

    def run() -> int:
        found = regioncam.Regioncam(size=half)
        for k, (weight, bias) in enumerate(single):
            if k:
                found.relu()
            found.linear(weight, bias)
        return int(found.num_faces)

    return run


def _affinitree(layers: Layers, half: float) -> Callable[[], int]:
    """A decision tree, its infeasible paths removed by linear programs."""
    from affinitree import AffFunc, AffTree, Architecture, Polytope, builder

    def run() -> int:
        square = AffTree.from_poly(Polytope.hyperrectangle(2, [(-half, half)] * 2), AffFunc.identity(2), None)
        network = Architecture(2)
        for k, (weight, bias) in enumerate(layers):
            if k:
                network.relu()
            network.linear(AffFunc.from_mats(np.ascontiguousarray(weight), bias))
        return int(builder.from_layers(network, precondition=square, csv=None).num_terminals())

    return run


PEERS: dict[str, Callable[[Layers, float], Callable[[], int]]] = {"regioncam": _regioncam, "affinitree": _affinitree}
"""For each a function that prepares the network and returns one that counts the regions."""


def _split(source: Path, layers: Layers, half: float, least: int) -> dict[str, float | str]:
    """A C++ program: its compilation is not counted, its start and the reading of the network are."""
    with tempfile.TemporaryDirectory() as folder:
        program, network = Path(folder) / "splitter", Path(folder) / "network.bin"
        command = ["g++", "-O3", "-march=native", "-DDBL", "-o", program, source]
        subprocess.run(command, check=True, capture_output=True)
        network.write_bytes(_as_binary(layers[:-1]))
        costs, texts = [], []
        for _ in range(least):
            before = children()
            done = cost(lambda: texts.append(subprocess.check_output([program, network, str(half)], text=True)))
            costs.append(Cost(children() - before, done.wall))
    return {"regions": int(texts[0].split()[1]), "version": "", **_middle(costs)}


def _as_binary(hidden: Layers) -> bytes:
    """int32 number of layers and widths, then the weights (out, in) and biases of each as float64."""
    widths = [hidden[0][0].shape[1], *(len(bias) for _, bias in hidden)]
    parts = [np.array([len(hidden), *widths], np.int32).tobytes()]
    for weight, bias in hidden:
        parts += [np.ascontiguousarray(weight).tobytes(), bias.tobytes()]
    return b"".join(parts)


if __name__ == "__main__":
    main()
