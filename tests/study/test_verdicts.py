"""Verdicts on planted truths: what is there is found, what is not there is not claimed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from gnomon.errors import DataError, SettingError, UnknownNameError
from gnomon.study.results import Results
from gnomon.study.statistics import (
    KINDS,
    Above,
    Below,
    Differs,
    Falls,
    Greater,
    Hypothesis,
    Less,
    Rises,
    Verdict,
    blocks,
    judge,
)
from reference.study_tables import ACTIVATION, ENTANGLEMENT, Value, tidy, without

AXES = (ACTIVATION, ENTANGLEMENT)
LEVELS = (2.0, 4.0, 6.0, 8.0, 10.0)
SLOPES = {"relu": 0.5, "tanh": 0.0, "elu": -0.5}
OFFSETS = {"relu": 0.0, "tanh": 1.0, "elu": 1.02}


def noise(settings: Mapping[str, Any], seed: int, size: float) -> float:
    """The same for the same setting and seed."""
    place = list(SLOPES).index(settings[ACTIVATION]) * 100 + int(settings[ENTANGLEMENT])
    return float(np.random.default_rng([seed, place]).normal(0, size))


def norm(settings: Mapping[str, Any], seed: int) -> float:
    """Grows with entanglement for relu, shrinks for elu, stays for tanh; seeds differ, too."""
    trend = SLOPES[settings[ACTIVATION]] * settings[ENTANGLEMENT]
    return 10 + 3 * seed + trend + noise(settings, seed, 0.5)


def offset(settings: Mapping[str, Any], seed: int) -> float:
    """Tanh is 1 above relu and 0.02 below elu."""
    return OFFSETS[settings[ACTIVATION]] + noise(settings, seed, 0.05)


def study(seeds: int, **findings: Value) -> DataFrame:
    named = {name: ("weights", "", value) for name, value in findings.items()}
    return tidy({ACTIVATION: list(SLOPES), ENTANGLEMENT: LEVELS}, range(seeds), named)


def between(
    kind: type[Greater | Less | Differs],
    finding: str,
    first: str,
    second: str,
    smallest: float | None = None,
    name: str = "",
) -> Hypothesis:
    """A claim about two activations."""
    return kind(
        finding=finding, of=ACTIVATION, values=(first, second), smallest=smallest, name=name
    )


def verdicts_on(
    table: DataFrame, hypotheses: Sequence[Hypothesis], axes: tuple[str, ...] = AXES
) -> tuple[Verdict, ...]:
    return judge(Results(table, axes), hypotheses)


def answers(table: DataFrame, *hypotheses: Hypothesis) -> list[str]:
    return [verdict.answer for verdict in verdicts_on(table, hypotheses)]


def test_a_planted_trend_is_found_in_its_direction() -> None:
    table = study(8, norm=norm)
    rises = Rises(finding="norm", along=ENTANGLEMENT, per=(ACTIVATION,))
    falls = Falls(finding="norm", along=ENTANGLEMENT, per=(ACTIVATION,))
    assert answers(table, rises) == ["supported", "undecided", "refuted"]
    assert answers(table, falls) == ["refuted", "undecided", "supported"]


def test_a_large_p_alone_refutes_nothing_and_a_stated_least_effect_does() -> None:
    table = study(8, norm=norm)
    tanh = table.loc[table[ACTIVATION] == "tanh"]
    rises = Rises(finding="norm", along=ENTANGLEMENT)
    (open_,) = verdicts_on(tanh, [rises])
    assert open_.answer == "undecided"
    assert open_.p is not None
    assert open_.p > 0.05
    (closed,) = verdicts_on(tanh, [Rises(finding="norm", along=ENTANGLEMENT, smallest=2.0)])
    assert closed.answer == "refuted"
    assert closed.decisive is not None
    assert closed.decisive.role == "negligible"


def test_a_planted_difference_is_found_in_its_direction() -> None:
    table = study(8, offset=offset)
    kinds = [
        between(Greater, "offset", "tanh", "relu"),
        between(Less, "offset", "tanh", "relu"),
        between(Differs, "offset", "tanh", "relu"),
    ]
    assert answers(table, *kinds) == ["supported", "refuted", "supported"]


def test_a_finding_is_compared_with_a_number() -> None:
    table = study(8, offset=offset)
    claims = [kind(finding="offset", than=0.5, per=(ACTIVATION,)) for kind in (Above, Below)]
    assert answers(table, claims[0]) == ["refuted", "supported", "supported"]
    assert answers(table, claims[1]) == ["supported", "refuted", "refuted"]
    relu = verdicts_on(table, [claims[0]])[0]
    assert relu.effects[0].value == pytest.approx(-0.5, abs=0.05)
    assert relu.p == 1.0
    assert relu.blocks.levels == ("offset", 0.5)
    assert relu.notes == (f"mean over the values of {ENTANGLEMENT}",)
    assert len(relu.blocks.trials[0][0]) == len(LEVELS)


def test_a_finding_is_compared_with_another_of_the_same_networks() -> None:
    def shifted(settings: Mapping[str, Any], seed: int) -> float:
        return norm(settings, seed) - 0.25

    table = study(6, norm=norm, shifted=shifted)
    (verdict,) = verdicts_on(table, [Above(finding="norm", than="shifted")])
    assert verdict.answer == "supported"
    assert verdict.effects[0].value == pytest.approx(0.25)
    assert verdict.p == 2**-6
    (opposite,) = verdicts_on(table, [Below(finding="norm", than="shifted")])
    assert opposite.answer == "refuted"


def test_a_trial_without_the_other_finding_is_left_out() -> None:
    def partly(settings: Mapping[str, Any], seed: int) -> float | None:
        return None if seed == 2 or settings[ACTIVATION] == "elu" else 100.0

    table = study(6, norm=norm, partly=partly)
    (verdict,) = verdicts_on(table, [Below(finding="norm", than="partly")])
    assert verdict.answer == "supported"
    assert verdict.blocks.seeds == (0, 1, 3, 4, 5)
    assert len(verdict.blocks.trials[0][0]) == 2 * len(LEVELS)
    assert any("seed 2 is left out" in note for note in verdict.notes)


def test_a_comparison_with_an_unknown_finding_suggests_the_nearest() -> None:
    (verdict,) = verdicts_on(study(5, norm=norm), [Above(finding="norm", than="nrm")])
    assert verdict.answer == "undecided"
    assert "there is 'norm'" in verdict.reason


def test_a_finding_is_not_compared_with_itself() -> None:
    with pytest.raises(SettingError, match="than"):
        Above(finding="norm", than="norm")


def test_a_difference_too_small_to_matter_is_no_difference() -> None:
    table = study(10, offset=offset)
    assert answers(table, between(Differs, "offset", "elu", "tanh", smallest=0.5)) == [
        "refuted"
    ]
    assert answers(table, between(Greater, "offset", "elu", "tanh", smallest=0.5)) == [
        "refuted"
    ]


def test_a_clear_difference_below_the_least_that_matters_is_not_supported() -> None:
    table = study(10, offset=offset)
    (verdict,) = verdicts_on(table, [between(Greater, "offset", "tanh", "relu", smallest=1.01)])
    # About 1, with an interval on both sides of 1.01.
    (plain,) = verdicts_on(table, [between(Greater, "offset", "tanh", "relu")])
    assert plain.effects[0].value < 1.01
    assert verdict.answer in {"undecided", "refuted"}
    assert "least that matters" in verdict.reason


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 6])
def test_too_few_seeds_decide_nothing_and_say_how_many_would(seeds: int) -> None:
    table = study(seeds, offset=offset)
    (one,) = verdicts_on(table, [between(Greater, "offset", "tanh", "relu")])
    (both,) = verdicts_on(table, [between(Differs, "offset", "tanh", "relu")])
    assert one.answer == ("supported" if seeds >= 5 else "undecided")
    assert both.answer == ("supported" if seeds >= 6 else "undecided")
    assert ("it takes 5 seeds for a verdict alone" in one.reason) is (seeds < 5)
    assert ("it takes 6 seeds for a verdict alone" in both.reason) is (seeds < 6)
    assert one.seeds == seeds


def test_a_trend_needs_three_seeds() -> None:
    rises = Rises(finding="norm", along=ENTANGLEMENT)
    tables = (study(seeds, norm=norm) for seeds in (2, 3))
    two, three = (table.loc[table[ACTIVATION] == "relu"] for table in tables)
    assert answers(two, rises) == ["undecided"]
    assert answers(three, rises) == ["supported"]


def test_seeds_with_trends_of_their_own_do_not_support_a_common_one() -> None:
    """Five seeds rise and two fall, each without noise: Page's p is small, ρ̄ is not sure."""

    def own(settings: Mapping[str, Any], seed: int) -> float:
        return settings[ENTANGLEMENT] * (1 if seed < 5 else -1)

    (verdict,) = verdicts_on(study(7, own=own), [Rises(finding="own", along=ENTANGLEMENT)])
    assert verdict.p is not None
    assert verdict.p < 0.05
    assert verdict.answer == "undecided"
    assert "seeds disagree" in verdict.reason


def test_the_correction_is_over_all_verdicts_of_the_study() -> None:
    """At 5 seeds a paired test has p = 1/32 at best: two of them cannot pass together."""
    table = study(5, offset=offset)
    claim, again = (between(Greater, "offset", "tanh", "relu", name=n) for n in ("", "again"))
    alone = verdicts_on(table, [claim])
    among = verdicts_on(table, [claim, again])
    assert [each.corrected_p for each in alone] == [1 / 32]
    assert [each.corrected_p for each in among] == [1 / 16, 1 / 16]
    assert {each.answer for each in among} == {"undecided"}
    assert "6 for the first of 2 verdicts" in among[0].reason


def constant(settings: Mapping[str, Any], seed: int) -> float:
    return 1.0


def test_constant_values_are_said_to_be_constant() -> None:
    table = study(6, same=constant)
    verdicts = verdicts_on(
        table,
        [
            Rises(finding="same", along=ENTANGLEMENT),
            between(Greater, "same", "tanh", "relu"),
            between(Differs, "same", "tanh", "relu"),
        ],
    )
    assert {each.answer for each in verdicts} == {"undecided"}
    assert all("all values are equal" in each.reason for each in verdicts)
    assert [each.p for each in verdicts] == pytest.approx([1, 1, 1])
    assert answers(table, between(Differs, "same", "tanh", "relu", smallest=0.1)) == ["refuted"]


def test_ties_by_rounding_are_ties() -> None:
    """0.97 − 0.96 and 0.96 − 0.95 differ by 1e−17 and are one difference; so ranks tie."""

    def shares(settings: Mapping[str, Any], seed: int) -> float:
        relu, tanh = (0.97, 0.96, 0.95, 0.94), (0.96, 0.95, 0.96, 0.93)
        return (relu if settings[ACTIVATION] == "relu" else tanh)[seed]

    (verdict,) = verdicts_on(
        study(4, shares=shares), [between(Greater, "shares", "relu", "tanh")]
    )
    # Differences 1, 1, −1, 1: every rank is 2.5, W⁺ = 7.5; 5 of 16 choices of signs reach it.
    assert verdict.beside[0].statistic == 7.5
    assert verdict.beside[0].p == 5 / 16
    assert verdict.p == 5 / 16


def test_equal_differences_have_no_size_in_their_own_spread() -> None:
    def shares(settings: Mapping[str, Any], seed: int) -> float:
        return 0.9 + 0.001 * seed + (0.01 if settings[ACTIVATION] == "relu" else 0.0)

    (verdict,) = verdicts_on(
        study(6, shares=shares), [between(Greater, "shares", "relu", "tanh")]
    )
    assert verdict.answer == "supported"
    assert "Cohen's d_z" not in {each.name for each in verdict.effects}


def test_a_seed_that_lacks_a_value_is_left_out_and_named() -> None:
    def absent(settings: Mapping[str, Any], seed: int) -> float | None:
        gone = seed == 3 and settings[ENTANGLEMENT] == 6.0
        return None if gone and settings[ACTIVATION] == "relu" else norm(settings, seed)

    table = study(8, norm=absent)
    verdicts = verdicts_on(
        table, [Rises(finding="norm", along=ENTANGLEMENT, per=(ACTIVATION,))]
    )
    assert [each.seeds for each in verdicts] == [7, 8, 8]
    assert verdicts[0].blocks.seeds == (0, 1, 2, 4, 5, 6, 7)
    (note,) = verdicts[0].notes
    assert note.startswith("seed 3 is left out: no finite value in ")
    assert note.endswith("at data.entanglement = 6")


def test_a_failed_trial_is_no_trial() -> None:
    table = study(4, norm=norm)
    gone = [
        row["trial"]
        for row in table.to_dict("records")
        if (row["seed"], row[ACTIVATION], row[ENTANGLEMENT]) == (1, "relu", 2.0)
    ]
    (first, *_) = verdicts_on(
        without(table, gone),
        [Rises(finding="norm", along=ENTANGLEMENT, per=(ACTIVATION,))],
    )
    assert first.blocks.seeds == (0, 2, 3)
    assert first.notes == ("seed 1 is left out: no trial at data.entanglement = 2",)


def test_infinite_values_are_absent() -> None:
    def wild(settings: Mapping[str, Any], seed: int) -> float:
        return float("inf") if seed == 0 else norm(settings, seed)

    (verdict,) = verdicts_on(study(5, norm=wild), [Rises(finding="norm", along=ENTANGLEMENT)])
    assert verdict.blocks.seeds == (1, 2, 3, 4)


def test_other_axes_are_averaged_within_a_seed() -> None:
    results = Results(study(2, norm=norm), AXES)
    found = blocks(results, "norm", ENTANGLEMENT, {})
    wanted = [
        [
            np.mean([norm({ACTIVATION: a, ENTANGLEMENT: level}, seed) for a in SLOPES])
            for level in LEVELS
        ]
        for seed in (0, 1)
    ]
    np.testing.assert_allclose(found.grid, wanted, rtol=1e-10)
    assert found.notes == ("mean over the values of network.activation",)
    assert all(len(ids) == 3 for row in found.trials for ids in row)


def test_a_setting_that_is_not_at_every_level_does_not_tilt_the_mean() -> None:
    """relu, which is lower, fails at the highest level: the mean must not rise for that."""
    table = study(6, offset=offset)
    gone = [
        row["trial"]
        for row in table.to_dict("records")
        if (row[ACTIVATION], row[ENTANGLEMENT]) == ("relu", 10.0)
    ]
    (verdict,) = verdicts_on(
        without(table, gone), [Rises(finding="offset", along=ENTANGLEMENT)]
    )
    assert verdict.answer == "undecided"
    assert abs(verdict.effects[1].value) < 0.2
    assert any("left out" in note for note in verdict.notes)


def test_an_axis_that_changes_together_is_named_and_not_averaged() -> None:
    table = study(4, norm=norm)
    pairs = {2.0: "relu", 4.0: "tanh", 6.0: "elu"}
    gone = [
        row["trial"]
        for row in table.to_dict("records")
        if pairs.get(row[ENTANGLEMENT]) != row[ACTIVATION]
    ]
    (verdict,) = verdicts_on(without(table, gone), [Rises(finding="norm", along=ENTANGLEMENT)])
    assert verdict.seeds == 4
    assert verdict.blocks.levels == (2.0, 4.0, 6.0)
    assert verdict.notes == ("data.entanglement changes together with network.activation",)


def test_the_numbers_behind_a_verdict_are_those_of_the_table() -> None:
    table = study(5, norm=norm)
    (verdict, *_) = verdicts_on(
        table, [Rises(finding="norm", along=ENTANGLEMENT, per=(ACTIVATION,))]
    )
    by_trial = {row["trial"]: row for row in table.to_dict("records")}
    for seed, values, trials in zip(
        verdict.blocks.seeds, verdict.blocks.values, verdict.blocks.trials, strict=True
    ):
        for level, value, (trial,) in zip(verdict.blocks.levels, values, trials, strict=True):
            row = by_trial[trial]
            assert (row["seed"], row[ENTANGLEMENT], row["value"]) == (seed, level, value)
            assert row[ACTIVATION] == verdict.where[ACTIVATION]


def test_nothing_to_test_is_said() -> None:
    table = study(5, norm=norm)
    wrong, alone, gone = verdicts_on(
        table.loc[table[ENTANGLEMENT] == 2.0],
        [
            Rises(finding="nrm", along=ENTANGLEMENT),
            Rises(finding="norm", along=ENTANGLEMENT),
            Greater(finding="norm", of=ACTIVATION, values=("relu", "gelu")),
        ],
    )
    assert {each.answer for each in (wrong, alone, gone)} == {"undecided"}
    assert wrong.reason == "no trial has the finding 'nrm'; there is 'norm'"
    assert "needs two values of data.entanglement" in alone.reason
    assert gone.reason == "no seed has a value at every network.activation among relu, gelu"
    assert (wrong.p, wrong.decisive, wrong.evidence) == (None, None, ())


def test_lists_on_an_axis_are_compared_by_what_they_say() -> None:
    def wide(settings: Mapping[str, Any], seed: int) -> float:
        return seed + 5.0 * ("50" in settings["network.hidden"])

    table = tidy(
        {"network.hidden": ["[50, 50]", "[2]"]}, range(6), {"norm": ("weights", "", wide)}
    )
    hypothesis = Greater(finding="norm", of="network.hidden", values=([50, 50], [2]))
    (verdict,) = verdicts_on(table, [hypothesis], ("network.hidden",))
    assert verdict.answer == "supported"
    assert verdict.claim == "norm is greater for [50, 50] than for [2]"


@pytest.mark.parametrize(
    ("values", "pair"),
    [(["true", "false"], (True, False)), (["2", "relu"], (2, "relu"))],
    ids=["truth values", "a number among texts"],
)
def test_values_of_an_axis_of_texts_are_found_as_they_stand_in_a_study_file(
    values: list[str], pair: tuple[object, object]
) -> None:
    def higher(settings: Mapping[str, Any], seed: int) -> float:
        return seed + float(settings["a"] == values[0])

    table = tidy({"a": values}, range(6), {"norm": ("weights", "", higher)})
    hypothesis = Greater(finding="norm", of="a", values=pair)
    (verdict,) = verdicts_on(table, [hypothesis], ("a",))
    assert verdict.answer == "supported"


def test_an_answer_follows_from_the_corrected_p() -> None:
    """The same numbers among more claims are undecided: nothing else of a verdict changes."""
    claim = between(Greater, "offset", "tanh", "relu")
    (verdict,) = verdicts_on(study(6, offset=offset), [claim])
    assert verdict.answer == "supported"
    (evidence,) = (test for test in verdict.evidence if test.role == "claim")
    doubtful = replace(verdict, evidence=(replace(evidence, corrected=0.06, claims=4),))
    assert doubtful.answer == "undecided"
    assert "corrected for 4 verdicts 0.06" in doubtful.reason
    assert replace(verdict, obstacle="no seed has a value").answer == "undecided"


def test_roles_are_families_of_their_own() -> None:
    """Two claims, of which one has a least effect: its test of that is corrected for one."""
    claims = [
        between(Greater, "offset", "tanh", "relu", smallest=0.5),
        between(Greater, "offset", "elu", "relu"),
    ]
    verdicts = verdicts_on(study(6, offset=offset), claims)
    families = [{test.role: test.claims for test in verdict.evidence} for verdict in verdicts]
    assert families == [
        {"claim": 2, "opposite": 2, "negligible": 1},
        {"claim": 2, "opposite": 2},
    ]


def test_two_trials_of_one_setting_and_seed_are_refused() -> None:
    table = study(3, norm=norm)
    twice = pd.concat([table, table.iloc[:1].assign(trial="another")])
    with pytest.raises(DataError, match="got two of seed 0"):
        verdicts_on(twice, [Rises(finding="norm", along=ENTANGLEMENT)])


def test_wrong_questions_are_refused() -> None:
    table = study(2, norm=norm)
    with pytest.raises(SettingError, match="Did you mean"):
        verdicts_on(table, [Rises(finding="norm", along="data.entanglment")])
    with pytest.raises(SettingError, match="expected numbers on network"):
        verdicts_on(table, [Rises(finding="norm", along=ACTIVATION)])
    with pytest.raises(DataError, match="columns"):
        verdicts_on(table.drop(columns="value"), [])


def test_the_same_results_give_the_same_verdicts() -> None:
    table = study(5, norm=norm)
    hypotheses = [
        Rises(finding="norm", along=ENTANGLEMENT, per=(ACTIVATION,)),
        Less(finding="norm", of=ACTIVATION, values=("relu", "elu")),
    ]
    first, second = (verdicts_on(table, hypotheses) for _ in range(2))
    assert list(map(str, first)) == list(map(str, second))
    assert [each.effects for each in first] == [each.effects for each in second]


@pytest.mark.slow
def test_wrong_claims_are_rare() -> None:
    """Of pure noise: each answer is wrong with a chance of at most the level, here 10 %."""
    draws, wrong = 60, 0
    for draw in range(draws):
        rng = np.random.default_rng(draw)

        def value(
            settings: Mapping[str, Any], seed: int, rng: np.random.Generator = rng
        ) -> float:
            return float(rng.normal())

        table = tidy(
            {ACTIVATION: ["relu", "tanh"], ENTANGLEMENT: LEVELS[:3]},
            range(5),
            {"noise": ("weights", "", value)},
        )
        verdicts = verdicts_on(
            table,
            [
                Rises(finding="noise", along=ENTANGLEMENT, per=(ACTIVATION,), level=0.1),
                Greater(finding="noise", of=ACTIVATION, values=("relu", "tanh"), level=0.1),
            ],
        )
        wrong += any(each.answer == "supported" for each in verdicts)
    assert wrong / draws <= 0.1 + 4 * (0.09 / draws) ** 0.5


PLAIN = [
    {"kind": "rises", "finding": "a", "along": "b"},
    {"kind": "falls", "finding": "a", "along": "b", "per": ["c"], "name": "H", "claim": "d"},
    {"kind": "greater", "finding": "a", "of": "b", "values": [1, 2], "level": 0.01},
    {"kind": "less", "finding": "a", "of": "b", "values": ["x", "y"], "smallest": 1},
    {"kind": "differs", "finding": "a", "of": "b", "values": [[50, 50], [2]]},
]


@pytest.mark.parametrize("plain", PLAIN, ids=[str(each["kind"]) for each in PLAIN])
def test_hypotheses_are_read_and_written(plain: dict[str, Any]) -> None:
    found = KINDS.read(Hypothesis, plain, "hypotheses[0]")
    assert found.kind == plain["kind"]
    assert plain.items() <= KINDS.write(found).items()
    assert KINDS.read(Hypothesis, KINDS.write(found)) == found


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"kind": "rise"}, "Did you mean 'rises'"),
        ({"kind": "rises", "finding": "a", "alng": "b"}, "Did you mean 'along'"),
        ({"kind": "rises", "finding": "a"}, "along: expected a value"),
        ({"kind": "greater", "finding": "a", "of": "b", "values": [1]}, "values"),
        ({"kind": "less", "finding": "a", "of": "b", "values": [2, 2.0]}, "two different"),
        ({"kind": "falls", "finding": "a", "along": "b", "level": 0.7}, "level: expected"),
        ({"kind": "falls", "finding": "a", "along": "b", "smallest": 0}, "smallest: expected"),
        ({"kind": "falls", "finding": "a", "along": "b", "per": ["b"]}, "per: expected other"),
    ],
)
def test_wrong_hypotheses_are_refused(plain: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        KINDS.read(Hypothesis, plain, "hypotheses[0]")


def test_an_unknown_kind_is_an_unknown_name() -> None:
    with pytest.raises(UnknownNameError):
        KINDS.read(Hypothesis, {"kind": "rise"}, "hypotheses[0]")
