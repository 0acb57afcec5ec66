"""Training: one loop, methods as losses, and the folder a run leaves."""

from gnomon.training.augmentation import Augmentation, CropAndFlip
from gnomon.training.devices import Device
from gnomon.training.experiment import Experiment
from gnomon.training.history import EpochRow, read_history
from gnomon.training.loop import train, train_replicas
from gnomon.training.method import Batch, Loss, TrainingMethod
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
from gnomon.training.observer import EpochProgress, Observer, Plan, Silent
from gnomon.training.optimizers import SGD, Adam, AdamW, Momentum, OptimizerRule
from gnomon.training.overfitting import CatastrophicOverfitting
from gnomon.training.preparation import Run, build, signature_of
from gnomon.training.ramps import Full, LinearRamp, Ramp, SmoothRamp
from gnomon.training.range_test import LearningRateCurve, LearningRateRangeTest
from gnomon.training.run_folder import RunFacts, RunFolder, Status
from gnomon.training.schedules import (
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Piecewise,
    Schedule,
    Triangular,
)
from gnomon.training.settings import EarlyStopping, Precision, Training
from gnomon.training.standard import Standard

__all__ = [
    "APP",
    "ASAM",
    "CROWNIBP",
    "MART",
    "NFGSM",
    "RWP",
    "SABR",
    "SAM",
    "SGD",
    "TRADES",
    "TRADESAWP",
    "AWPTraining",
    "Adam",
    "AdamW",
    "Augmentation",
    "Batch",
    "CatastrophicOverfitting",
    "Constant",
    "Cosine",
    "CropAndFlip",
    "Device",
    "EarlyStopping",
    "EpochProgress",
    "EpochRow",
    "Experiment",
    "Exponential",
    "FGSMTraining",
    "FastTraining",
    "FreeTraining",
    "Full",
    "GradAlign",
    "IBPTraining",
    "LearningRateCurve",
    "LearningRateRangeTest",
    "LinearRamp",
    "Loss",
    "MinMax",
    "Momentum",
    "NoiseTraining",
    "Observer",
    "OneCycle",
    "OptimizerRule",
    "PGDTraining",
    "Piecewise",
    "Plan",
    "Precision",
    "Ramp",
    "RandomWeightPerturbation",
    "Run",
    "RunFacts",
    "RunFolder",
    "Schedule",
    "Silent",
    "SmoothRamp",
    "Standard",
    "Status",
    "Training",
    "TrainingMethod",
    "Triangular",
    "build",
    "read_history",
    "signature_of",
    "train",
    "train_replicas",
]
