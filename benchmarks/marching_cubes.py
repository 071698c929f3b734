"""The exact zero set of a network of three inputs beside marching cubes: time, distance, topology.

    python benchmarks/marching_cubes.py [--shape slit | FILE.npz] [--sizes 128 256 512]

"slit" is a network written down: a box that a slit 0.0014 wide cuts in two, and a tiny octahedron beside it. FILE.npz:
a ReLU network as neural implicit surfaces are published. Needs scikit-image and trimesh. Distances of marching cubes
are |f| at the middles of its triangles over the slope there: how far they are from the zero set, to first order.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import process_time

import numpy as np

import cpwl
from cpwl.network import Dense, Gather, Input, Max, Network, Node, Piecewise

ABS = Piecewise(np.zeros(1), np.array([-1.0, 1.0]))
CENTRE, RADIUS, HALF, SLIT = np.array([0.7013, 0.7029, 0.7047]), 0.0017, 0.6, 0.0007


def slit() -> Network:
    """The least of max(|x| - 0.6, |y| - 0.6, |z| - 0.6, 0.0007 - |x|) and |u - c| - 0.0017, its 1-norm."""
    table = np.zeros((5, 6))
    table[:3, :3], table[3, 0], table[4, 3:] = np.eye(3), -1, -1
    nodes = (
        Node(Input(), (), (3,), "u"),
        Node(Dense(np.tile(np.eye(3), (2, 1)), np.append(np.zeros(3), -CENTRE)), (0,), (6,), "u, u - c"),
        Node(ABS, (1,), (6,), "absolute"),
        Node(Dense(table, np.array([-HALF, -HALF, -HALF, SLIT, RADIUS])), (2,), (5,), "sides, minus ball"),
        Node(Gather(np.arange(4).reshape(1, 4)), (3,), (1, 4), "sides"),
        Node(Max(), (4,), (1,), "box"),
        Node(Dense(-np.eye(1), np.zeros(1)), (5,), (1,), "minus box"),
        Node(Gather(np.array([[0, 5]])), (6, 3), (1, 2), "minus both"),
        Node(Max(), (7,), (1,), "minus least"),
        Node(Dense(-np.eye(1), np.zeros(1)), (8,), (1,), "least"),
    )
    return Network(nodes)


def stored(path: Path) -> Network:
    """A network as they are published."""
    arrays = np.load(path)
    names = sorted(name[:-1] for name in arrays if name.endswith("dense.A"))
    return Network.mlp([arrays[f"{name}A"].T for name in names], [arrays[f"{name}b"] for name in names])


def marched(net: Network, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of marching cubes on size^3 points of [-1, 1]^3."""
    from skimage.measure import marching_cubes

    ticks = np.linspace(-1, 1, size)
    grid = np.empty((size,) * 3, np.float32)
    plane = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    for i, x in enumerate(ticks):
        points = np.column_stack([np.full(len(plane), x), plane])
        grid[i] = values(net, points).reshape(size, size)
    vertices, triangles, *_ = marching_cubes(grid, 0.0, spacing=(2 / (size - 1),) * 3)
    return vertices - 1, triangles


def values(net: Network, points: np.ndarray) -> np.ndarray:
    """The network's output, in float64."""
    return cpwl.evaluate(net, points)[:, 0]


def distances(net: Network, points: np.ndarray) -> np.ndarray:
    """|f| over the slope by central differences, at points."""
    step = 1e-6
    slopes = [(values(net, points + step * e) - values(net, points - step * e)) / (2 * step) for e in np.eye(3)]
    return np.abs(values(net, points)) / np.maximum(np.linalg.norm(slopes, axis=0), 1e-9)


def main() -> None:
    import trimesh

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="slit")
    parser.add_argument("--sizes", type=int, nargs="*", default=[128, 256, 512])
    chosen = parser.parse_args()
    net = slit() if chosen.shape == "slit" else stored(Path(chosen.shape))
    cpwl.level_set(net, cpwl.Domain.box([0.5] * 3, [0.6] * 3))  # loads what is needed
    start = process_time()
    mesh = cpwl.level_set(net, cpwl.Domain.box([-1] * 3, [1] * 3)).mesh()
    took = process_time() - start
    print("| | time, s of CPU | polygons | components | Euler number | volume | distance, largest and mean |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    volume = f"{mesh.volume:.6f}" if mesh.closed else "not closed"
    print(f"| exact | {took:.2f} | {len(mesh):,} | {mesh.components} | {mesh.euler} | {volume} | 0, 0 |")
    for size in chosen.sizes:
        start = process_time()
        vertices, triangles = marched(net, size)
        took = process_time() - start
        found = trimesh.Trimesh(vertices, triangles)
        parts, apart = found.body_count, distances(net, vertices[triangles].mean(axis=1))
        print(
            f"| marching cubes, {size}^3 | {took:.2f} | {len(triangles):,} | {parts} | {found.euler_number} | "
            f"{abs(found.volume):.6f} | {apart.max():.1e}, {apart.mean():.1e} |"
        )


if __name__ == "__main__":
    main()
