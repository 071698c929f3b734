"""``python -m cpwl``: the command line, where the folder of its script is not on the path."""

from .cli import main

if __name__ == "__main__":
    main(prog_name="python -m cpwl")
