"""Perturbation sets: what an adversary may do to an input."""

from gnomon.sets.balls import L2, InputSet, Linf
from gnomon.sets.perturbation_set import Domain, PerturbationSet

__all__ = ["L2", "Domain", "InputSet", "Linf", "PerturbationSet"]
