"""The network that computes XOR with two units: exactly three regions, and an activation pattern that no input has.

After Sattelberg et al., "Locally linear attributes of ReLU neural networks" (2023), in rational arithmetic throughout.

Run:  python examples/20_xor.py [folder for the picture]
"""

import sys
from itertools import product
from pathlib import Path

import numpy as np
import sympy
from matplotlib.figure import Figure

import cpwl

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

# f(x, y) = relu(x + y) - 2 relu(x + y - 1): 0, 1, 1, 0 at the corners of the unit square.
net = cpwl.Network.mlp([np.array([[1, 1], [1, 1]]), np.array([[1, -2]])], [np.array([0, -1]), np.array([0])])
corners = list(product((0, 1), repeat=2))
for corner, value in zip(corners, cpwl.evaluate(net, corners, backend="exact")[:, 0], strict=True):
    print(f"f{corner} = {value}")

part = cpwl.partition(net, cpwl.Domain.box([-1, -1], [2, 2]), backend="exact")
print(f"\n{len(part)} regions, of area {' + '.join(map(str, part.volumes()))} = {part.volumes().sum()}")
x, y = sympy.symbols("x y")
for i in range(len(part)):
    region = part.region(i).to_sympy((x, y))
    inside = " and ".join(map(str, region.inequalities))
    print(f"  units {part.region(i).pattern}: f = {region.outputs[0]}  where {inside}")
print(f"f = {part.to_sympy((x, y))[0]}")

# Two units have four patterns. The one that is missing asks for the first unit off and the second one on.
patterns = {tuple(pattern) for pattern in part.patterns().tolist()}
(missing,) = set(product((0, 1), repeat=2)) - patterns
off, on = -(x + y), x + y - 1
print(f"\nno region has the pattern {missing}: it wants {off} >= 0 and {on} >= 0,")
print(f"but their sum is {sympy.expand(off + on)}, which is negative everywhere")

cert = cpwl.certify(part)
print(f"verified: {len(cert.partition)} regions tile the square, and no other pattern has an inner point in it")
print(f"linear regions: {len(part.merged())}, all convex: {part.merged().convex.all()}")

figure = Figure(figsize=(11, 4.6), layout="constrained", dpi=110)
half = part.decision_boundary(level=0.5)
marks = {"points": corners, "labels": [f"{a} xor {b} = {a ^ b}" for a, b in corners]}
part.plot(figure.add_subplot(1, 2, 1), color="pattern", boundary=half, **marks)
part.plot_surface(figure.add_subplot(1, 2, 2, projection="3d", computed_zorder=False), boundary=half)
figure.savefig(folder / "xor.png")
