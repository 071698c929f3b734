"""A network at single points: its outputs, and the affine map and region around one."""
