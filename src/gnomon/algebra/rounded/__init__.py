"""Functions of one coordinate, whose rounding is counted."""
