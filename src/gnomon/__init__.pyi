from .activations import (
    ELU as ELU,
    GELU as GELU,
    SELU as SELU,
    Activation as Activation,
    LeakyReLU as LeakyReLU,
    Mish as Mish,
    ReLU as ReLU,
    Sigmoid as Sigmoid,
    SiLU as SiLU,
    Softplus as Softplus,
    Tanh as Tanh,
)
from .algebra import (
    REAL as REAL,
    Affine as Affine,
    Ball as Ball,
    Deployed as Deployed,
    Interval as Interval,
    Moments as Moments,
    NormBall as NormBall,
    Relaxed as Relaxed,
    RoundedInterval as RoundedInterval,
    RoundedRelaxed as RoundedRelaxed,
    enclose as enclose,
    evaluate as evaluate,
)
from .attacks import (
    BIM as BIM,
    FGSM as FGSM,
    PGD as PGD,
    GaussianNoise as GaussianNoise,
    InputAttack as InputAttack,
    Outcome as Outcome,
    UniformNoise as UniformNoise,
)
from .audit import (
    AttackedAccuracy as AttackedAccuracy,
    Audit as Audit,
    BoundaryComplexity as BoundaryComplexity,
    Bracket as Bracket,
    CertifiedAccuracy as CertifiedAccuracy,
    CertifiedRadius as CertifiedRadius,
    ChangeOfVariables as ChangeOfVariables,
    CleanAccuracy as CleanAccuracy,
    Finding as Finding,
    GradientFlow as GradientFlow,
    NoiseAccuracy as NoiseAccuracy,
    PointMapping as PointMapping,
    Probe as Probe,
    Subject as Subject,
    WeightSpectra as WeightSpectra,
    examine as examine,
    parse_requirement as parse_requirement,
    sample_subject as sample_subject,
)
from .audit.report import write_report as write_report
from .bounds import (
    CROWN as CROWN,
    IBP as IBP,
    BoundMethod as BoundMethod,
    Falsification as Falsification,
    Falsifier as Falsifier,
    LargestRadius as LargestRadius,
    LargestSize as LargestSize,
    Margins as Margins,
    RoundedCROWN as RoundedCROWN,
    RoundedIBP as RoundedIBP,
)
from .config import (
    describe as describe,
    experiment as experiment,
    input_set as input_set,
    parameter_set as parameter_set,
    read_config as read_config,
)
from .data import (
    CIFAR10 as CIFAR10,
    GTSRB as GTSRB,
    MNIST as MNIST,
    ArrayFile as ArrayFile,
    Dataset as Dataset,
    Digits as Digits,
    DoubleSpiral as DoubleSpiral,
    ImageFolder as ImageFolder,
    ParquetFile as ParquetFile,
    Split as Split,
    Store as Store,
)
from .errors import GnomonError as GnomonError
from .networks import (
    CNN4 as CNN4,
    MLP as MLP,
    Architecture as Architecture,
    CNN4Conv as CNN4Conv,
    LeNet as LeNet,
    Signature as Signature,
    Snapshots as Snapshots,
    Stage as Stage,
    save_network as save_network,
    stages as stages,
    weight_layers as weight_layers,
)
from .objectives import (
    cross_entropy as cross_entropy,
    margin as margin,
    scale_free_cross_entropy as scale_free_cross_entropy,
)
from .references import cite as cite
from .representation import (
    DecisionBoundary as DecisionBoundary,
    Plane as Plane,
    class_spreads as class_spreads,
    decision_boundary as decision_boundary,
    distance_from_centre as distance_from_centre,
    distance_moved as distance_moved,
    layer_jacobians as layer_jacobians,
    linear_separability as linear_separability,
    loss_gradients as loss_gradients,
    network_singular_values as network_singular_values,
    rank_correlation as rank_correlation,
    represent as represent,
    spectrum as spectrum,
    unit_activity as unit_activity,
    weight_spectra as weight_spectra,
)
from .seeds import generator as generator
from .sets import (
    L1 as L1,
    L2 as L2,
    Box as Box,
    InputSet as InputSet,
    Linf as Linf,
    ParameterBall as ParameterBall,
    ParameterBox as ParameterBox,
    ParameterRegion as ParameterRegion,
    ParameterSet as ParameterSet,
    PerturbationSet as PerturbationSet,
    radius as radius,
)
from .targets import (
    load_network as load_network,
    open_target as open_target,
)
from .training import (
    SGD as SGD,
    Adam as Adam,
    AdamW as AdamW,
    Constant as Constant,
    Cosine as Cosine,
    EarlyStopping as EarlyStopping,
    Experiment as Experiment,
    Exponential as Exponential,
    Momentum as Momentum,
    OneCycle as OneCycle,
    Piecewise as Piecewise,
    Run as Run,
    Standard as Standard,
    Training as Training,
    TrainingMethod as TrainingMethod,
    Triangular as Triangular,
    train as train,
)

__all__: list[str]
__version__: str
