"""Training: one loop, methods as losses, and the folder a run leaves."""

from gnomon.training.adversaries import (
    INPUT_ADVERSARIES as INPUT_ADVERSARIES,
    PARAMETER_ADVERSARIES as PARAMETER_ADVERSARIES,
    InputAdversary as InputAdversary,
    ParameterAdversary as ParameterAdversary,
)
from gnomon.training.augmentation import (
    AUGMENTATIONS as AUGMENTATIONS,
    Augmentation as Augmentation,
    CropAndFlip as CropAndFlip,
)
from gnomon.training.criteria import (
    CRITERIA as CRITERIA,
    Criterion as Criterion,
)
from gnomon.training.description import (
    describe as describe,
)
from gnomon.training.devices import (
    Device as Device,
)
from gnomon.training.experiment import (
    Experiment as Experiment,
)
from gnomon.training.fit import (
    Fitted as Fitted,
    fit as fit,
)
from gnomon.training.history import (
    EpochRow as EpochRow,
    read_history as read_history,
)
from gnomon.training.loop import (
    train as train,
    train_replicas as train_replicas,
)
from gnomon.training.method import (
    Batch as Batch,
    Loss as Loss,
    TrainingMethod as TrainingMethod,
)
from gnomon.training.methods import (
    APP as APP,
    ASAM as ASAM,
    CROWNIBP as CROWNIBP,
    MART as MART,
    METHODS as METHODS,
    NFGSM as NFGSM,
    RWP as RWP,
    SABR as SABR,
    SAM as SAM,
    TRADES as TRADES,
    TRADESAWP as TRADESAWP,
    AWPTraining as AWPTraining,
    FastTraining as FastTraining,
    FGSMTraining as FGSMTraining,
    FreeTraining as FreeTraining,
    GradAlign as GradAlign,
    IBPTraining as IBPTraining,
    NoiseTraining as NoiseTraining,
    PGDTraining as PGDTraining,
    RandomWeightPerturbation as RandomWeightPerturbation,
)
from gnomon.training.min_max import (
    MinMax as MinMax,
)
from gnomon.training.observer import (
    EpochProgress as EpochProgress,
    Observer as Observer,
    Plan as Plan,
    Silent as Silent,
)
from gnomon.training.optimizers import (
    OPTIMIZERS as OPTIMIZERS,
    SGD as SGD,
    Adam as Adam,
    AdamW as AdamW,
    OptimizerRule as OptimizerRule,
)
from gnomon.training.overfitting import (
    CatastrophicOverfitting as CatastrophicOverfitting,
)
from gnomon.training.preparation import (
    Run as Run,
    build as build,
    signature_of as signature_of,
)
from gnomon.training.ramps import (
    RAMPS as RAMPS,
    Full as Full,
    LinearRamp as LinearRamp,
    Ramp as Ramp,
    SmoothRamp as SmoothRamp,
)
from gnomon.training.range_test import (
    LearningRateCurve as LearningRateCurve,
    LearningRateRangeTest as LearningRateRangeTest,
)
from gnomon.training.run_folder import (
    RunFacts as RunFacts,
    RunFolder as RunFolder,
    Status as Status,
)
from gnomon.training.schedules import (
    SCHEDULES as SCHEDULES,
    Constant as Constant,
    Cosine as Cosine,
    Exponential as Exponential,
    OneCycle as OneCycle,
    Piecewise as Piecewise,
    Schedule as Schedule,
    Triangular as Triangular,
)
from gnomon.training.settings import (
    EarlyStopping as EarlyStopping,
    Precision as Precision,
    Training as Training,
)
from gnomon.training.standard import (
    Standard as Standard,
)
