"""From a network and a domain to a ``Tiling``: the loop over nodes, blocks and their joining, maxima, and the result as
data, without a verb. It knows backends by their registry alone.
"""
