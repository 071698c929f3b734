"""torch models: checked, captured, evaluated in float64, translated."""
