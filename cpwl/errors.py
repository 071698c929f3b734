"""The errors of the library: one tree, each also the built-in error that a caller would expect."""

from __future__ import annotations


class CpwlError(Exception):
    """Base of every error that the library raises on purpose."""


class ArgumentError(CpwlError, ValueError):
    """An argument has a value that makes no sense; the message names it and says what was wanted."""


class PositionError(ArgumentError, IndexError):
    """A collection has no member of that number."""


class ShapeError(ArgumentError):
    """An array argument has the wrong shape."""


class DomainError(ArgumentError):
    """A domain is flat, unbounded, empty, not convex, or of the wrong dimension."""


class BackendError(ArgumentError):
    """A backend or device is unknown, or is not available on this machine."""


class UnsupportedDimensionError(CpwlError, NotImplementedError):
    """A backend was asked for a dimension that it does not cover."""


def check_planar(dim: int, what: str) -> None:
    """Raises ``UnsupportedDimensionError`` unless a domain of that dimension is a plane's; ``what`` are planar."""
    if dim != 2:
        raise UnsupportedDimensionError(
            f"{what} are those of slices of dimension 2, got one of {dim}. Take a plane of the same input space, with "
            "Domain.through(p1, p2, p3) or Domain.polygon."
        )


def check_solid(dim: int, what: str) -> None:
    """Raises ``UnsupportedDimensionError`` unless a domain of that dimension is a solid; ``what`` needs one."""
    if dim != 3:
        raise UnsupportedDimensionError(
            f"{what} needs a domain of dimension 3, got one of dimension {dim}. Take a solid, such as Domain.box of "
            "three inputs or Domain.through(p1, p2, p3, p4)."
        )


class UnsupportedLayerError(CpwlError, NotImplementedError):
    """A network contains an operation that is not piecewise linear, or that is not supported yet."""


class MismatchError(CpwlError, ArithmeticError):
    """A compiled network does not compute what the original computes."""


class NumericalRangeError(CpwlError, OverflowError):
    """Numbers overflow float64 on the way through a network."""


class FloatingPointModeError(CpwlError, ArithmeticError):
    """Threads take subnormal numbers for zero, or round otherwise than to nearest, and that can't be changed."""


class IncompleteError(ArgumentError):
    """A partition is not complete (a budget ended it, or it is one block), and the answer needs all of its regions."""


class IncompleteWarning(UserWarning):
    """What was asked for is about the regions that are there, of a partition that is not complete."""


class LeftOutWarning(UserWarning):
    """An operator at the end of a model is left out of its network, which has the same argmax, but other values."""


class MissingDependencyError(CpwlError, ImportError):
    """An optional package is needed; the message names what to install."""


class InternalError(CpwlError, RuntimeError):
    """A self-check failed: a mistake of the library. Please report it; the exact backend does not use this code."""


class FileFormatError(CpwlError, ValueError):
    """A file is not what its name or header says, or is damaged."""


class VerificationError(CpwlError, ArithmeticError):
    """Exact arithmetic could not confirm a claim."""


class BordersDifferError(InternalError):
    """Blocks do not fit together along their borders: some decision there was not the same in both."""
