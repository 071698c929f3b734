"""Decision boundaries and level sets: segments, the nearest point, outlines, points that are proved to lie on it."""
