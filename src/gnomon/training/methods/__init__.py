"""The training methods of the literature, each as the min–max that it is."""

from gnomon.training.methods.adversarial import MART, TRADES, PGDTraining
from gnomon.training.methods.awp import RWP, TRADESAWP, AWPTraining
from gnomon.training.methods.certified import APP, CROWNIBP, SABR, IBPTraining
from gnomon.training.methods.fgsm import NFGSM, FastTraining, FGSMTraining
from gnomon.training.methods.free import FreeTraining
from gnomon.training.methods.gradalign import GradAlign
from gnomon.training.methods.noise import NoiseTraining, RandomWeightPerturbation
from gnomon.training.methods.sharpness import ASAM, SAM

__all__ = [
    "APP",
    "ASAM",
    "CROWNIBP",
    "MART",
    "NFGSM",
    "RWP",
    "SABR",
    "SAM",
    "TRADES",
    "TRADESAWP",
    "AWPTraining",
    "FGSMTraining",
    "FastTraining",
    "FreeTraining",
    "GradAlign",
    "IBPTraining",
    "NoiseTraining",
    "PGDTraining",
    "RandomWeightPerturbation",
]
