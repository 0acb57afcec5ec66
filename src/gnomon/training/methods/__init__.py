"""The training methods of the literature, each as the min–max that it is."""

from gnomon.training.methods.adversarial import MART, PGDAT, TRADES
from gnomon.training.methods.awp import ATAWP, RWP, TRADESAWP
from gnomon.training.methods.certified import APP, CROWNIBP, SABR, IBPTraining
from gnomon.training.methods.fgsm import FGSMAT, NFGSM, FastAT
from gnomon.training.methods.free import FreeAT
from gnomon.training.methods.gradalign import GradAlign
from gnomon.training.methods.noise import NoiseTraining, RandomWeightPerturbation
from gnomon.training.methods.sharpness import ASAM, SAM

__all__ = [
    "APP",
    "ASAM",
    "ATAWP",
    "CROWNIBP",
    "FGSMAT",
    "MART",
    "NFGSM",
    "PGDAT",
    "RWP",
    "SABR",
    "SAM",
    "TRADES",
    "TRADESAWP",
    "FastAT",
    "FreeAT",
    "GradAlign",
    "IBPTraining",
    "NoiseTraining",
    "RandomWeightPerturbation",
]
