"""What the audit measures, one file per topic."""

from gnomon.audit.probes.accuracy import CleanAccuracy
from gnomon.audit.probes.attacks import AttackedAccuracy
from gnomon.audit.probes.noise import NoiseAccuracy
from gnomon.audit.probes.probe import Probe

__all__ = ["AttackedAccuracy", "CleanAccuracy", "NoiseAccuracy", "Probe"]
