"""An .nnet file that uses all that the format has."""

from __future__ import annotations

TEXT = """// a comment
2,2,1,3,
2,3,1,
0,
-1.5,-100.0,
2.0,200.0,
0.25,50.0,10.0,
3.0,300.0,7.0,
1.0,-2.0,
0.5,0.25,
-1.0,1.0e-1,
0.5,
-0.25,
0,
1.0,-1.0,3.0,
0.125,
"""
