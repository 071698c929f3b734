"""How calls run, whatever they compute: what they are given, IEEE arithmetic, deadlines, workers.

Also how they warn, end by signals, and find pictures by name.

May use ``errors`` only.
"""
