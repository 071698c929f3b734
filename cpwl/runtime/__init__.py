"""How calls run, whatever they compute: plain IEEE arithmetic, deadlines, worker processes, pictures by name.

May use ``errors`` only.
"""
