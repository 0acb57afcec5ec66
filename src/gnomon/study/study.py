"""A study: one question, asked of many trained networks.

title = "Norms against entanglement"
question = "Do the norms of weights grow with the entanglement of the spirals?"
seeds = 10                          # 0 … 9, or a list of seeds

[config]                            # what `gnomon train` reads; or base = "FILE.toml"
data = { name = "spiral", points = 1000 }
network = { architecture = "mlp", hidden = [50, 50, 50, 50, 50] }
training = { epochs = 60, batch_size = 50 }

[[axes]]
key = "data.entanglement"
values = [2.0, 6.0, 10.0]

[examine]                           # what `gnomon audit` is asked of each network
probes = ["accuracy", "noise"]
inputs = ["linf:0.5"]
settings = { noise = { draws = 10 } }

[[hypotheses]]                      # see gnomon.study.statistics
kind = "rises"
claim = "Frobenius norms grow with entanglement."
finding = "frobenius_norm"
along = "data.entanglement"

[small]                             # with --small these replace the keys above
seeds = 3
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import tomli_w

from gnomon.errors import DataError, SettingError, nearest
from gnomon.records import Names, read_toml
from gnomon.study.axes import Axis, read_axis
from gnomon.study.statistics import KINDS, Hypothesis
from gnomon.words.request import read_probe_settings

_KEYS = (
    "title",
    "question",
    "seeds",
    "base",
    "config",
    "axes",
    "examine",
    "hypotheses",
    "small",
)
_NAMES = Names({})


@dataclass(frozen=True)
class Examination:
    """The questions to every trained network, in the words of `gnomon audit`.

    Attributes:
        probes: names of probes; none at all leaves the networks unexamined.
        samples: number of test examples; None means all.
        inputs: sets of inputs, such as "linf:0.1".
        parameters: sets of parameters, such as "relative:0.01".
        settings: of probes, by name and key, such as {"attacks": {"attacks": ["fgsm"]}}.
        details: numbers within the details of findings that become rows of the results, too:
            "frobenius_norm/layers/*/frobenius_norm" is one for each layer.
    """

    probes: tuple[str, ...] = ("accuracy",)
    samples: int | None = None
    inputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    details: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.probes or self.settings:
            read_probe_settings(self.probes or None, self.settings)


@dataclass(frozen=True)
class Study:
    """A question over a grid and many seeds.

    Attributes:
        title: of the report.
        question: in a sentence or two.
        config: of every trial; the axes and the seed are put into it.
        seeds: each combination of the axes is trained with each of them.
        axes: what varies.
        examine: what is asked of each network.
        hypotheses: what is decided.
    """

    title: str
    question: str
    config: Mapping[str, Any]
    seeds: tuple[int, ...]
    axes: tuple[Axis, ...] = ()
    examine: Examination = field(default_factory=Examination)
    hypotheses: tuple[Hypothesis, ...] = ()

    def __post_init__(self) -> None:
        if not self.seeds:
            raise SettingError("seeds: expected one seed or more, got none. Write seeds = 5.")
        if "seed" in self.config:
            raise SettingError(
                "config.seed: expected the seeds beside [config], got one within. "
                "Write seeds = [0] above it."
            )
        varied = {key for axis in self.axes for key in axis.varied}
        if "seed" in varied:
            raise SettingError(
                "axes: expected keys of the configuration, got seed. Write seeds = 5 instead."
            )
        for hypothesis in self.hypotheses:
            for key in hypothesis.keys:
                if key not in varied:
                    raise SettingError(
                        f"hypotheses: {hypothesis.title}: expected a key on an axis, got "
                        f"{key}.{nearest(key, varied)}"
                    )


def read_study(path: Path, *, small: bool = False) -> Study:
    """The study in a TOML file.

    Args:
        path: the file; `base` in it is relative to its folder.
        small: puts the table [small] in place of the keys it has.

    Raises:
        DataError: a file is missing or not TOML.
        SettingError: an unknown key (the nearest is suggested), or a wrong value.
    """
    plain = read_toml(path)
    for key in plain:
        if key not in _KEYS:
            raise SettingError(f"{path}: there is no key {key!r}.{nearest(key, _KEYS)}")
    if small:
        if "small" not in plain:
            raise SettingError(
                f"{path}: expected a table [small], got none. Leave --small out, or write one."
            )
        plain = merged(plain, plain["small"])
    config = plain.get("config", {})
    if "base" in plain:
        config = merged(read_toml(path.parent / plain["base"]), config)
        config.pop("seed", None)
    if not config:
        raise DataError(
            f"{path}: expected a table [config] or base = FILE.toml, got neither. Add one."
        )
    return Study(
        title=plain.get("title", path.stem),
        question=plain.get("question", ""),
        config=config,
        seeds=_seeds(plain.get("seeds", 1)),
        axes=tuple(
            read_axis(table, f"axes[{index}]")
            for index, table in enumerate(_tables(plain, "axes"))
        ),
        examine=_NAMES.read(Examination, plain.get("examine", {}), "examine"),
        hypotheses=tuple(
            KINDS.read(Hypothesis, table, f"hypotheses[{index}]")
            for index, table in enumerate(_tables(plain, "hypotheses"))
        ),
    )


def write_study(study: Study) -> str:
    """The study as the text of a TOML file that `read_study` reads the same."""
    plain = {
        "title": study.title,
        "question": study.question,
        "seeds": list(study.seeds),
        "config": study.config,
        "examine": _NAMES.write_changes(study.examine),
        "axes": [_NAMES.write_changes(axis) for axis in study.axes],
        "hypotheses": [KINDS.write_changes(each) for each in study.hypotheses],
    }
    return tomli_w.dumps(plain)


def merged(plain: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`plain` with the values of `changes`; tables are merged, everything else is replaced."""
    result = copy.deepcopy(dict(plain))
    for key, value in changes.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, Mapping):
            result[key] = merged(cast("dict[str, Any]", old), cast("Mapping[str, Any]", value))
        else:
            result[key] = copy.deepcopy(value)
    return result


def _seeds(value: object) -> tuple[int, ...]:
    """A count means 0, 1, … below it."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return tuple(range(value))
    if isinstance(value, list):
        seeds = cast("Sequence[object]", value)
        if all(isinstance(seed, int) and seed >= 0 for seed in seeds) and len(
            set(seeds)
        ) == len(seeds):
            return tuple(cast("Sequence[int]", seeds))
    raise SettingError(
        f"seeds: expected a count from 1 or a list of different whole numbers, got {value!r}. "
        "Write seeds = 5, or seeds = [0, 1, 2]."
    )


def _tables(plain: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    tables = plain.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise SettingError(
            f"{key}: expected a list of tables, got {tables!r}. Write each as [[{key}]]."
        )
    return cast("Sequence[Mapping[str, Any]]", tables)
