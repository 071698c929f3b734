"""Which kernel does the work on which tensors: chosen once a refinement, and handed down from there."""

from __future__ import annotations

from torch import Tensor

from .compiled import CompiledLoops
from .kernel import Kernel
from .operations import TensorOperations

KERNELS: tuple[Kernel, ...] = (CompiledLoops(), TensorOperations())
"""All of them, those that are asked first in front; the last serves everywhere."""


def kernel_for(values: Tensor) -> Kernel:
    """The first kernel that serves such values: by their device, type and number."""
    return next(kernel for kernel in KERNELS if kernel.serves(values))
