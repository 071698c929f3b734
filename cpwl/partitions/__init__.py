"""``Partition``, with all that can be asked of it, and the calls that make one, many, or one block by block."""
