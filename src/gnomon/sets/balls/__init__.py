"""Balls of a norm around an input, cut with the domain of the data: one file per norm."""

from gnomon.sets.balls.box import Box
from gnomon.sets.balls.input_set import InputSet, MeasuredSet
from gnomon.sets.balls.l1 import L1, L1Ball
from gnomon.sets.balls.l2 import L2, L2Ball
from gnomon.sets.balls.linf import Linf, LinfBall

__all__ = ["L1", "L2", "Box", "InputSet", "L1Ball", "L2Ball", "Linf", "LinfBall", "MeasuredSet"]
