"""Functions of one coordinate, and relaxations, whose rounding is counted."""
