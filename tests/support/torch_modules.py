"""Torch modules in small integers, for which a compiled network computes exactly what the module computes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cpwl.compiler.bounds import evaluate
from cpwl.network import Network
from cpwl.network.check import check_network


def integer(module: nn.Module) -> nn.Module:
    """The module in eval mode with small integer parameters."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randint(-3, 4, p.shape, generator=generator))
    return module.eval()


def points(shape: tuple[int, ...], count: int = 40) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(-9, 10, (count, *shape), generator=generator).to(torch.float32)


def values(network: Network, x: Tensor) -> NDArray[np.float64]:
    *_, (_, output) = evaluate(network, x.to(torch.float64))
    return output.value.numpy()


def kinds(network: Network) -> list[str]:
    return [type(node.op).__name__ for node in network.nodes[1:]]


def assert_computes(network: Network, module: nn.Module, x: Tensor) -> None:
    """The network and the module agree exactly (for integers small enough for float64, and the module's float32)."""
    check_network(network)
    with torch.no_grad():
        expected = module(x.clone()).reshape(len(x), -1).numpy()
    assert network.input_shape == tuple(x.shape[1:])
    assert np.array_equal(values(network, x).reshape(len(x), -1), expected)
