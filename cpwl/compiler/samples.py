"""Inputs on which a compiled network is compared with the original: random ones, and ones that lie on boundaries."""

from __future__ import annotations

import torch
from torch import Tensor

from ..network.network import Network
from .bounds import evaluate

_SCALES = (0.5, 2.0**-10, 1.0, 2.0**10, 4.0, 1.0)
"""Sizes of the random inputs, relative to the example: small ones see the biases, large ones the far pieces."""

_FEW = 1 << 21
"""With more entries than this in all its layers a network is compared on fewer samples."""


def sample_points(network: Network, example: Tensor) -> Tensor:
    """Inputs (S, *shape) in float64 (a fixed seed), each of which single precision holds as well.

    The example, random inputs of several sizes, inputs with ties (all zeros; few different values, as max-pools meet
    them), and inputs at which a unit of the first nonlinear layer is near its breakpoint or tie.
    """
    generator = torch.Generator().manual_seed(0)
    example = example.to(torch.float64)
    large = sum(node.size for node in network.nodes) > _FEW
    scales = torch.tensor(_SCALES[:1] if large else _SCALES, dtype=torch.float64)
    size = float(example.abs().max()) or 1.0
    normal = torch.randn((len(scales), *example.shape), generator=generator, dtype=torch.float64)
    random = size * scales.reshape(-1, *[1] * example.ndim) * normal
    tied = size / 2 * (random[:1] / size * 2).round()
    points = torch.cat([example[None], random, torch.zeros_like(example)[None], tied])
    near = [] if large else [_near_a_breakpoint(network, points[0], point) for point in random]
    return torch.cat([points, *near]).to(torch.float32).to(torch.float64)


def _near_a_breakpoint(network: Network, start: Tensor, end: Tensor) -> Tensor:
    """The points (0 or 1, *shape) between two at which an entry of the first nonlinear layer's argument vanishes."""
    nothing = torch.zeros((0, *start.shape), dtype=start.dtype)
    if not network.nonlinear:
        return nothing
    (read,) = network.nodes[network.nonlinear[0]].inputs
    values = next(x.value for i, x in evaluate(network, torch.stack([start, end])) if i == read).flatten(1)
    changes = (values[0] * values[1] < 0).nonzero().flatten()
    if not len(changes):
        return nothing
    first, second = values[:, changes[len(changes) // 2]]
    return torch.lerp(start, end, first / (first - second))[None]
