import gnomon.audit.door as _door

from . import (
    activations as activations,
    algebra as algebra,
    attacks as attacks,
    audit as audit,  # pyright: ignore[reportAssignmentType] - it can be called, see below
    bounds as bounds,
    data as data,
    errors as errors,
    networks as networks,
    objectives as objectives,
    references as references,
    report as report,
    representation as representation,
    seeds as seeds,
    sets as sets,
    study as study,
    training as training,
    words as words,
)
from .activations import Activation as Activation
from .algebra import (
    Interval as Interval,
    LinearRelaxation as LinearRelaxation,
    Moments as Moments,
    Outward as Outward,
    Zonotope as Zonotope,
    enclose as enclose,
    evaluate as evaluate,
)
from .attacks import FGSM as FGSM, PGD as PGD, AutoAttack as AutoAttack, Outcome as Outcome
from .audit import Audit as Audit, Finding as Finding
from .bounds import CROWN as CROWN, IBP as IBP, Margins as Margins
from .data import Dataset as Dataset, Split as Split, Store as Store
from .errors import (
    DataError as DataError,
    GnomonError as GnomonError,
    SettingError as SettingError,
    ShapeError as ShapeError,
    UnsupportedOperationError as UnsupportedOperationError,
)
from .networks import Signature as Signature, save_network as save_network
from .references import cite as cite
from .seeds import generator as generator
from .sets import (
    L1 as L1,
    L2 as L2,
    Box as Box,
    InputSet as InputSet,
    Linf as Linf,
    ParameterBall as ParameterBall,
    ParameterBox as ParameterBox,
    ParameterSet as ParameterSet,
    radius as radius,
)
from .training import (
    Experiment as Experiment,
    Run as Run,
    Training as Training,
    describe as describe,
    fit as fit,
    train as train,
)
from .words import (
    experiment as experiment,
    load_network as load_network,
    read_config as read_config,
)

audit: _door.AuditModule
__all__: list[str]
__version__: str
