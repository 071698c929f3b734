"""Which kernel does the rounds of a refinement: chosen once, where it starts."""

from __future__ import annotations

from torch import Tensor

from .compiled import CompiledLoops
from .kernel import Kernel
from .operations import ArrayOperations

KERNELS: tuple[Kernel, ...] = (CompiledLoops(), ArrayOperations())
"""All of them, those that are asked first in front; the last serves everywhere."""


def kernel_for(values: Tensor) -> Kernel:
    """The first kernel that serves such values."""
    return next(kernel for kernel in KERNELS if kernel.serves(values))
