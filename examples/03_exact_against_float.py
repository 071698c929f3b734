"""Exact against float: a network whose weights are thirds, so that many lines nearly meet in one point.

Float64 alone cannot decide such cases: it says where it could not, or asks exact arithmetic for the few decisions.

Run:  python examples/03_exact_against_float.py [folder for the certificate]
"""

import sys
from pathlib import Path

import numpy as np

import cpwl

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
rng = np.random.default_rng(3)
weights = [rng.integers(-2, 3, size=shape) / 3 for shape in ((8, 2), (8, 8), (2, 8))]
net = cpwl.Network.mlp(weights, [rng.integers(-1, 2, size=len(weight)) / 3 for weight in weights])
dom = cpwl.Domain.box([-1, -1], [1, 1])

# The float partition is a valid tiling; regions in whose making a decision was within rounding are listed.
float_part = cpwl.partition(net, dom, backend="torch", predicates="float")
print(f"float: {len(float_part)} regions, {len(float_part.ambiguous)} of them ambiguous")

# By default, decisions that float64 leaves open are settled exactly: the right regions, with rounded coordinates.
settled = cpwl.partition(net, dom)
print(f"exact predicates: {len(settled)} regions; {settled.settled} decisions were settled in exact arithmetic")

# The exact backend computes with rational numbers from the first step to the last.
exact_part = cpwl.partition(net, dom, backend="exact")
print(f"exact: {len(exact_part)} regions, of total area {exact_part.volumes().sum()}; one of the vertices:")
print(f"       ({', '.join(map(str, exact_part.vertices[-1]))})")

# certify turns the float partition into an exact one and proves it, recomputing the regions that float had wrong.
certificate = cpwl.certify(float_part)
print(certificate.report())
certificate.save(folder / "certificate.json.gz")

print(cpwl.compare(float_part, certificate.partition).report())
again = cpwl.compare(certificate.partition, exact_part)
print(f"the certified partition and that of the exact backend agree: {again.agree}")
