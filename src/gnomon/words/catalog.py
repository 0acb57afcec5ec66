"""The names the front ends know: one literal table from words to classes."""

from gnomon.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Swish,
    Tanh,
)
from gnomon.attacks import (
    APGD,
    APGDT,
    BIM,
    FAB,
    FABT,
    FGSM,
    FMN,
    PGD,
    AutoAttack,
    DeepFool,
    GaussianNoise,
    InputAttack,
    RandomPoint,
    SquareAttack,
    UniformNoise,
    UnprojectedBIM,
)
from gnomon.attacks.inputs.noise import Noise
from gnomon.audit import (
    AttackedAccuracy,
    AutoAttackAccuracy,
    BoundaryComplexity,
    CertifiedAccuracy,
    CertifiedRadius,
    ChangeOfVariables,
    CleanAccuracy,
    FaultTolerance,
    GradientFlow,
    LipschitzConstant,
    LossFlatness,
    NoiseAccuracy,
    ParameterAttackResistance,
    ParameterRobustness,
    PointMapping,
    WeightSpectra,
)
from gnomon.bounds import CROWN, IBP, BoundMethod
from gnomon.data import (
    CIFAR10,
    GTSRB,
    MNIST,
    ArrayFile,
    Digits,
    DoubleSpiral,
    ImageFolder,
    ParquetFile,
    Source,
)
from gnomon.networks import CNN4, MLP, VGG, Architecture, CNN4Conv, LeNet, ResNet
from gnomon.records import Choice, Names
from gnomon.sets import (
    L1,
    L2,
    InputSet,
    Linf,
    ParameterBall,
    ParameterBox,
    ParameterSet,
    radius,
)
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

DATA: dict[str, type] = {
    "spiral": DoubleSpiral,
    "digits": Digits,
    "mnist": MNIST,
    "cifar10": CIFAR10,
    "gtsrb": GTSRB,
    "npz": ArrayFile,
    "parquet": ParquetFile,
    "image_folder": ImageFolder,
}

ARCHITECTURES: dict[str, type] = {
    "mlp": MLP,
    "lenet": LeNet,
    "cnn4": CNN4,
    "cnn4_conv": CNN4Conv,
    "vgg": VGG,
    "resnet20": ResNet,
}

ACTIVATIONS: dict[str, type] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "prelu": PReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "swish": Swish,
    "mish": Mish,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
}

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

NOISES: dict[str, type] = {"gaussian": GaussianNoise, "uniform": UniformNoise}

BOUNDS: dict[str, type] = {"ibp": IBP, "crown": CROWN}

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

INPUT_SETS: dict[str, type] = {"linf": Linf, "l2": L2, "l1": L1}

INPUT_ATTACKS: dict[str, type] = {
    "fgsm": FGSM,
    "bim": BIM,
    "unprojected_bim": UnprojectedBIM,
    "pgd": PGD,
    "apgd": APGD,
    "apgd_targeted": APGDT,
    "fab": FAB,
    "fab_targeted": FABT,
    "deepfool": DeepFool,
    "fmn": FMN,
    "square": SquareAttack,
    "random_point": RandomPoint,
    "autoattack": AutoAttack,
}

RADIUS_LAWS: dict[str, type] = {
    "constant": radius.Constant,
    "relative": radius.Relative,
    "tanh": radius.Tanh,
}

PARAMETER_SETS: dict[str, type] = {"box": ParameterBox, "ball": ParameterBall}

PROBES: dict[str, type] = {
    "accuracy": CleanAccuracy,
    "noise": NoiseAccuracy,
    "attacks": AttackedAccuracy,
    "autoattack": AutoAttackAccuracy,
    "certificates": CertifiedAccuracy,
    "radii": CertifiedRadius,
    "lipschitz": LipschitzConstant,
    "parameters": ParameterRobustness,
    "faults": FaultTolerance,
    "resistance": ParameterAttackResistance,
    "flatness": LossFlatness,
    "boundary": BoundaryComplexity,
    "mapping": PointMapping,
    "jacobians": ChangeOfVariables,
    "gradients": GradientFlow,
    "weights": WeightSpectra,
}

SLOW_PROBES = ("autoattack", "resistance")
"""The probes that an audit asks only when they are named."""

NAMES = Names(
    {
        Source: Choice(DATA),
        Architecture: Choice(ARCHITECTURES, tag="architecture"),
        Activation: Choice(ACTIVATIONS),
        TrainingMethod: Choice(METHODS),
        InputAdversary: Choice(INPUT_ADVERSARIES),
        ParameterAdversary: Choice(PARAMETER_ADVERSARIES),
        Criterion: Choice(CRITERIA),
        Ramp: Choice(RAMPS),
        Noise: Choice(NOISES),
        BoundMethod: Choice(BOUNDS),
        Augmentation: Choice(AUGMENTATIONS),
        OptimizerRule: Choice(OPTIMIZERS),
        Schedule: Choice(SCHEDULES),
        InputSet: Choice(INPUT_SETS),
        radius.RadiusLaw: Choice(RADIUS_LAWS),
        ParameterSet: Choice(PARAMETER_SETS, implied="box"),
        InputAttack: Choice(INPUT_ATTACKS),
    }
)
