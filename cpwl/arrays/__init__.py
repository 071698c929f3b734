"""Arrays of awkward shapes, and how they travel: rows of different lengths, tables of bits, batches that fit in
memory. May use ``runtime``.
"""
