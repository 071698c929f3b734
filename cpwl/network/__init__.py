"""The library's own form of a network, and what is derived from one without any geometry.

It may use ``errors``, ``runtime``, ``numbers``, ``arrays`` and ``storage``.
"""

from .network import Network, Node
from .operators import (
    RELU,
    Conv,
    Dense,
    Divide,
    Gather,
    Input,
    LinearOp,
    Max,
    Op,
    Periodic,
    Piecewise,
    Scale,
    Shape,
    Sum,
)

__all__ = [
    "RELU",
    "Conv",
    "Dense",
    "Divide",
    "Gather",
    "Input",
    "LinearOp",
    "Max",
    "Network",
    "Node",
    "Op",
    "Periodic",
    "Piecewise",
    "Scale",
    "Shape",
    "Sum",
]
