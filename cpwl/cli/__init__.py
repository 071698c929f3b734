"""The command line. :func:`main` is the group; each module beside it adds commands of one kind.

Exit status: 0; 2 for arguments or files that make no sense; 1 for anything else that fails. Errors of the library are
one line on the standard error. torch and the other heavy packages are imported only by the commands that need them.
"""

from . import claiming, looking, making, mapping, measuring, proving, training, verifying
from .group import main

__all__ = ["claiming", "looking", "main", "making", "mapping", "measuring", "proving", "training", "verifying"]
