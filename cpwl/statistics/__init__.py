"""What can be measured of a tiling: counts, volumes, slopes, and which units made each facet."""
