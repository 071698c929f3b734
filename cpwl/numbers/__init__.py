"""Numbers that are no float64: big integers in arrays, sums of two float64 numbers with a radius, float formats."""
