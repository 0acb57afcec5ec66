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
    AUGMENTATIONS,
    CRITERIA,
    INPUT_ADVERSARIES,
    METHODS,
    OPTIMIZERS,
    PARAMETER_ADVERSARIES,
    RAMPS,
    SCHEDULES,
    Augmentation,
    Criterion,
    InputAdversary,
    OptimizerRule,
    ParameterAdversary,
    Ramp,
    Schedule,
    TrainingMethod,
)
from gnomon.words.own import OwnThings

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
        OptimizerRule: Choice(
            OPTIMIZERS, "an optimiser", shorthands={"momentum": ("sgd", {"momentum": 0.9})}
        ),
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
