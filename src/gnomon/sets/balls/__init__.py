"""Balls of a norm around an input, cut with the domain of the data: one file per norm."""

from gnomon.sets.balls.box import Box as Box
from gnomon.sets.balls.input_set import InputSet as InputSet, MeasuredSet as MeasuredSet
from gnomon.sets.balls.l1 import L1 as L1, L1Ball as L1Ball
from gnomon.sets.balls.l2 import L2 as L2, L2Ball as L2Ball
from gnomon.sets.balls.linf import Linf as Linf, LinfBall as LinfBall

INPUT_SETS: dict[str, type] = {"linf": Linf, "l2": L2, "l1": L1}
"""Every set of inputs by its name in a configuration."""
