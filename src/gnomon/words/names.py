"""The names that the front ends know: those of experiments, and those of probes."""

from gnomon.audit import Probe
from gnomon.audit.selection import PROBES_BY_NAME
from gnomon.records import Choice, Names
from gnomon.training.description import CHOICES
from gnomon.words.own import OwnThings

NAMES = Names({**CHOICES, Probe: Choice(PROBES_BY_NAME, "a probe")}, OwnThings())
"""Translates every word of a configuration or of the command line."""
