"""The description of an experiment as plain values, which its run folder keeps."""

from collections.abc import Mapping
from typing import Any

from gnomon.activations import ACTIVATIONS, Activation
from gnomon.attacks import INPUT_ATTACKS, NOISES, InputAttack, Noise
from gnomon.bounds import BOUNDS, BoundMethod
from gnomon.data import SOURCES, Source
from gnomon.networks import ARCHITECTURES, Architecture
from gnomon.records import Choice, Names
from gnomon.sets import INPUT_SETS, PARAMETER_SETS, InputSet, ParameterSet
from gnomon.sets.radius import RADIUS_LAWS, RadiusLaw
from gnomon.training.adversaries import (
    INPUT_ADVERSARIES,
    PARAMETER_ADVERSARIES,
    InputAdversary,
    ParameterAdversary,
)
from gnomon.training.augmentation import AUGMENTATIONS, Augmentation
from gnomon.training.criteria import CRITERIA, Criterion
from gnomon.training.experiment import Experiment
from gnomon.training.method import TrainingMethod
from gnomon.training.methods import METHODS
from gnomon.training.optimizers import OPTIMIZERS, OptimizerRule
from gnomon.training.ramps import RAMPS, Ramp
from gnomon.training.schedules import SCHEDULES, Schedule

CHOICES: Mapping[Any, Choice] = {
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
    OptimizerRule: Choice(
        OPTIMIZERS, "an optimiser", shorthands={"momentum": ("sgd", {"momentum": 0.9})}
    ),
    Schedule: Choice(SCHEDULES, "a schedule"),
    InputSet: Choice(INPUT_SETS, "a set of inputs"),
    RadiusLaw: Choice(RADIUS_LAWS, "a law of radii"),
    ParameterSet: Choice(PARAMETER_SETS, "a set of parameters", implied="box"),
    InputAttack: Choice(INPUT_ATTACKS, "an attack on inputs"),
}
"""The kinds of things that an experiment is made of, each with the names of its members."""


def describe(planned: Experiment) -> dict[str, Any]:
    """The mapping that a configuration file says, with every default written out.

    Things of a user's own stand in it as "package.module:name". One that is defined within a
    function can be trained with, and not be read again from the file.

    >>> from gnomon.data import Digits
    >>> from gnomon.networks import MLP
    >>> describe(Experiment(data=Digits(), network=MLP(hidden=(8,))))["network"]["hidden"]
    [8]
    """
    return Names(CHOICES).write(planned)
