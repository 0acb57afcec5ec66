"""The training methods of the literature, each as the min–max that it is."""

from gnomon.training.methods.adversarial import (
    MART as MART,
    TRADES as TRADES,
    PGDTraining as PGDTraining,
)
from gnomon.training.methods.awp import (
    RWP as RWP,
    TRADESAWP as TRADESAWP,
    AWPTraining as AWPTraining,
)
from gnomon.training.methods.certified import (
    APP as APP,
    CROWNIBP as CROWNIBP,
    SABR as SABR,
    IBPTraining as IBPTraining,
)
from gnomon.training.methods.fgsm import (
    NFGSM as NFGSM,
    FastTraining as FastTraining,
    FGSMTraining as FGSMTraining,
)
from gnomon.training.methods.free import (
    FreeTraining as FreeTraining,
)
from gnomon.training.methods.gradalign import (
    GradAlign as GradAlign,
)
from gnomon.training.methods.noise import (
    NoiseTraining as NoiseTraining,
    RandomWeightPerturbation as RandomWeightPerturbation,
)
from gnomon.training.methods.sharpness import (
    ASAM as ASAM,
    SAM as SAM,
)
from gnomon.training.min_max import (
    MinMax,
)
from gnomon.training.standard import (
    Standard,
)

METHODS: dict[str, type] = {
    "standard": Standard,
    "noise": NoiseTraining,
    "random_weights": RandomWeightPerturbation,
    "fgsm_at": FGSMTraining,
    "fast_at": FastTraining,
    "n_fgsm": NFGSM,
    "gradalign": GradAlign,
    "free_at": FreeTraining,
    "pgd_at": PGDTraining,
    "trades": TRADES,
    "mart": MART,
    "sam": SAM,
    "asam": ASAM,
    "at_awp": AWPTraining,
    "trades_awp": TRADESAWP,
    "rwp": RWP,
    "ibp": IBPTraining,
    "crown_ibp": CROWNIBP,
    "sabr": SABR,
    "app": APP,
    "min_max": MinMax,
}
"""Every training method by its name in a configuration."""
