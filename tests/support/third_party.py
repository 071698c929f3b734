"""Architectures of torchvision with random weights, and the checks that their partitions must pass."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cpwl import Domain, LocalMap, Partition

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    # A torchvision built for another torch (the CPU build of torch comes from elsewhere) cannot load its compiled
    # operators, and wants their schemas. No architecture used here has one of them.
    _schemas = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):
            _schemas.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import models


def built(name: str, **options: object) -> nn.Module:
    """A model of torchvision in eval mode, with random weights and batch-norm statistics (a fixed seed)."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = models.get_model(name, weights=None, **options).eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None and part.running_var is not None
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 2)
    return module


def image(*shape: int) -> Tensor:
    """A random image as a batch of one (a fixed seed)."""
    return torch.rand((1, *shape), generator=torch.Generator().manual_seed(1))


def small_square(x: NDArray[np.float64], half: float) -> Domain:
    """A square of the input space around x with sides of twice ``half`` along two random directions (a fixed seed)."""
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=(2, *x.shape)) * half
    return Domain.through(x - one, x + one, x + other, margin=0)


def assert_is_a_partition(part: Partition, module: nn.Module | None = None, points: int = 20) -> None:
    """What every float partition must satisfy, exactly or up to rounding; and against the module, where there is one.

    Areas add up, vertices, edges and regions satisfy Euler's relation, regions that are not ambiguous have different
    patterns, and at random points the map of the region found there gives what the model computes.
    """
    facets = part.facets()
    assert len(part.vertices) - len(facets.regions) + len(part) == 1
    assert abs(part.volumes().sum() / part.domain.volume - 1) < 1e-9
    assert (part.volumes() > 0).all()
    certain = np.setdiff1d(np.arange(len(part)), part.ambiguous)
    assert len({row.tobytes() for row in part.patterns(certain)}) == len(certain)
    u = np.random.default_rng(3).dirichlet(np.ones(len(part.domain.polytope.vertices)), points)
    u = u @ np.asarray(part.domain.polytope.vertices, dtype=np.float64)
    found = part.locate(u)
    assert (found >= 0).all()
    weight, bias = part.affine_maps(found)
    values = np.einsum("nmd,nd->nm", weight, u) + bias
    if module is not None:
        x = torch.as_tensor(part.to_input(u)).reshape(len(u), *part.network.input_shape)
        with torch.no_grad():
            expected = module.double()(x).reshape(len(u), -1).numpy()
        assert np.abs(values - expected).max() <= 1e-7 * np.abs(expected).max()


def assert_has_the_gradient(local: LocalMap, module: nn.Module) -> None:
    """One row of the Jacobian is the gradient that autograd finds in the module, up to rounding, and W x + b = f(x)."""
    x = torch.tensor(local.x[None], requires_grad=True)
    module.double()(x)[0, 7].backward()
    assert x.grad is not None
    row, expected = local.row(7), x.grad.numpy().ravel()
    assert np.abs(row - expected).max() <= 1e-8 * np.abs(expected).max() and expected.any()
    value = row @ local.x.ravel() + local.bias[7]
    assert abs(value - local.value[7]) <= 1e-8 * (np.abs(row) @ np.abs(local.x.ravel()) + abs(local.bias[7]))
