"""The exact backend: rational numbers throughout, on integers of any length; the reference for every other backend."""

from .arithmetic import ExactArithmetic
from .arrangement import ExactArrangement
from .field import ExactField

__all__ = ["ExactArithmetic", "ExactArrangement", "ExactField"]
