"""The names that the front ends know: each kind of thing with the table of its members."""

from gnomon.activations import ACTIVATIONS, Activation
from gnomon.attacks import INPUT_ATTACKS, NOISES, InputAttack, Noise
from gnomon.audit import Probe
from gnomon.audit.selection import PROBES_BY_NAME
from gnomon.bounds import BOUNDS, BoundMethod
from gnomon.data import SOURCES, Source
from gnomon.networks import ARCHITECTURES, Architecture
from gnomon.records import Choice, Names
from gnomon.sets import INPUT_SETS, PARAMETER_SETS, InputSet, ParameterSet
from gnomon.sets.radius import RADIUS_LAWS, RadiusLaw
from gnomon.training import (
    SGD,
    Adam,
    AdamW,
    Augmentation,
    Constant,
    Cosine,
    CropAndFlip,
    Exponential,
    Momentum,
    OneCycle,
    OptimizerRule,
    Piecewise,
    Schedule,
    Standard,
    TrainingMethod,
    Triangular,
)
from gnomon.training.adversaries import (
    AttackedInputs,
    EnclosedInputs,
    EnclosedParameters,
    InputAdversary,
    LayerwiseAscent,
    Nobody,
    NoisyStep,
    ParameterAdversary,
    RandomInputs,
    RandomWeights,
    RobustAscent,
    Sharpness,
    SmallBoxes,
    Unmoved,
)
from gnomon.training.criteria import Criterion, MisclassificationAware, Tradeoff, WorstCase
from gnomon.training.methods import (
    APP,
    ASAM,
    CROWNIBP,
    MART,
    NFGSM,
    RWP,
    SABR,
    SAM,
    TRADES,
    TRADESAWP,
    AWPTraining,
    FastTraining,
    FGSMTraining,
    FreeTraining,
    GradAlign,
    IBPTraining,
    NoiseTraining,
    PGDTraining,
    RandomWeightPerturbation,
)
from gnomon.training.min_max import MinMax
from gnomon.training.ramps import Full, LinearRamp, Ramp, SmoothRamp
from gnomon.words.own import OwnThings

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

INPUT_ADVERSARIES: dict[str, type] = {
    "none": Nobody,
    "random": RandomInputs,
    "attack": AttackedInputs,
    "noisy_step": NoisyStep,
    "small_boxes": SmallBoxes,
    "bounds": EnclosedInputs,
}

PARAMETER_ADVERSARIES: dict[str, type] = {
    "none": Unmoved,
    "random": RandomWeights,
    "layerwise": LayerwiseAscent,
    "robust": RobustAscent,
    "sharpness": Sharpness,
    "bounds": EnclosedParameters,
}

CRITERIA: dict[str, type] = {
    "worst_case": WorstCase,
    "trades": Tradeoff,
    "mart": MisclassificationAware,
}

RAMPS: dict[str, type] = {"full": Full, "linear": LinearRamp, "smooth": SmoothRamp}

AUGMENTATIONS: dict[str, type] = {"crop_and_flip": CropAndFlip}

OPTIMIZERS: dict[str, type] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adam": Adam,
    "adamw": AdamW,
}

SCHEDULES: dict[str, type] = {
    "constant": Constant,
    "piecewise": Piecewise,
    "exponential": Exponential,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "triangular": Triangular,
}

NAMES = Names(
    {
        Source: Choice(SOURCES, "a source of data"),
        Architecture: Choice(
            ARCHITECTURES, "an architecture or a torch.nn.Module", tag="architecture"
        ),
        Activation: Choice(ACTIVATIONS, "an activation"),
        TrainingMethod: Choice(METHODS, "a training method"),
        InputAdversary: Choice(INPUT_ADVERSARIES, "an adversary of the inputs"),
        ParameterAdversary: Choice(PARAMETER_ADVERSARIES, "an adversary of the parameters"),
        Criterion: Choice(CRITERIA, "a criterion"),
        Ramp: Choice(RAMPS, "a ramp"),
        Noise: Choice(NOISES, "a kind of noise"),
        BoundMethod: Choice(BOUNDS, "a method of bounding"),
        Augmentation: Choice(AUGMENTATIONS, "an augmentation"),
        OptimizerRule: Choice(OPTIMIZERS, "an optimiser"),
        Schedule: Choice(SCHEDULES, "a schedule"),
        InputSet: Choice(INPUT_SETS, "a set of inputs"),
        RadiusLaw: Choice(RADIUS_LAWS, "a law of radii"),
        ParameterSet: Choice(PARAMETER_SETS, "a set of parameters", implied="box"),
        InputAttack: Choice(INPUT_ATTACKS, "an attack on inputs"),
        Probe: Choice(PROBES_BY_NAME, "a probe"),
    },
    OwnThings(),
)
"""Translates every word of a configuration or of the command line."""
