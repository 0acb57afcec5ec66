"""What is wrong with examples is said with the file and the first bad index."""

import numpy as np
import pytest

from gnomon.data import Dataset
from gnomon.data.examples import Examples, class_names, joined
from gnomon.data.preparation import UNIT, Card, assemble, prepare
from gnomon.errors import DataError, OutOfDomainError, ShapeError
from gnomon.sets import Domain

RNG = np.random.default_rng(0)


def examples(
    inputs: object = None, labels: object = None, origin: str = "train.npz"
) -> Examples:
    x = RNG.random((60, 5)) if inputs is None else np.asarray(inputs)
    y = np.arange(len(x)) % 3 if labels is None else np.asarray(labels)
    return Examples(x, y, origin)


def made(train: Examples, test: Examples | None = None, domain: Domain = None) -> Dataset:
    card = Card("mine", "Mine", ("a", "b", "c"), domain)
    return prepare(card, train, examples(origin="test.npz") if test is None else test, 0.2, 0)


def with_value(value: float, index: int = 7, dtype: type = np.float64) -> np.ndarray:
    x = RNG.random((60, 5)).astype(dtype)
    x[index, 2] = value
    return x


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_value_that_is_no_finite_float32_is_found(value: float) -> None:
    with pytest.raises(DataError, match=r"train\.npz: inputs must be finite .* at index 7\."):
        made(examples(with_value(value)))


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_a_value_outside_the_domain_is_found(value: float) -> None:
    with pytest.raises(OutOfDomainError, match=rf"lie in \[0, 1\], got {value:g} at index 7\."):
        made(examples(with_value(value, dtype=np.float32)), domain=UNIT)


def test_a_nan_is_no_matter_of_the_domain() -> None:
    with pytest.raises(DataError, match="must be finite float32 numbers, got nan at index 7"):
        made(examples(with_value(np.nan)), domain=UNIT)


def test_a_bad_value_far_down_is_found_with_its_index() -> None:
    x = RNG.random((9000, 5))
    x[8191, 4] = np.nan
    with pytest.raises(DataError, match="at index 8191"):
        made(examples(x))


def test_bad_test_data_are_named_after_their_file() -> None:
    with pytest.raises(DataError, match=r"test\.npz: inputs must be finite"):
        made(examples(), examples(with_value(np.nan), origin="test.npz"))


@pytest.mark.parametrize(
    ("label", "got"), [(3, "got 3 "), (-1, "got -1 "), (0.5, "got 0.5 "), (np.nan, "got nan ")]
)
def test_a_label_that_is_no_class_is_found(label: float, got: str) -> None:
    y = np.arange(60) % 3 if float(label).is_integer() else (np.arange(60) % 3).astype(float)
    y[11] = label
    with pytest.raises(DataError, match=f"from 0 to 2, {got}at index 11"):
        made(examples(labels=y))


def test_labels_of_another_type_are_an_error() -> None:
    for labels in (["a", "b", "c"] * 20, [True, False, True] * 20, [None] * 60):
        with pytest.raises(DataError, match="labels must be integers, got"):
            made(examples(labels=labels))


def test_whole_floating_labels_count_as_integers() -> None:
    assert made(examples(labels=(np.arange(60) % 3).astype(np.float32))).classes == 3


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.complex128])
def test_inputs_of_another_type_are_an_error(dtype: type) -> None:
    with pytest.raises(DataError, match=r"must be uint8 .* or floating"):
        made(examples(np.zeros((60, 5), dtype=dtype)))


def test_lengths_that_differ_are_an_error() -> None:
    with pytest.raises(ShapeError, match="one label for each of the 60 inputs"):
        made(examples(labels=np.zeros(59, dtype=int)))


@pytest.mark.parametrize("shape", [(60,), (60, 2, 2), (60, 1, 2, 2, 2), (60, 0)])
def test_inputs_that_are_neither_vectors_nor_images_are_an_error(
    shape: tuple[int, ...],
) -> None:
    with pytest.raises(ShapeError, match="must be vectors"):
        made(examples(np.zeros(shape)))


def test_test_inputs_of_another_shape_are_an_error() -> None:
    with pytest.raises(ShapeError, match=r"of the shape \(5,\) as in training, got \(4,\)"):
        made(examples(), examples(np.zeros((60, 4)), origin="test.npz"))


def test_empty_splits_are_an_error() -> None:
    with pytest.raises(DataError, match="test: expected examples, got none"):
        made(examples(), examples(np.zeros((0, 5)), origin="test"))
    with pytest.raises(DataError, match="train: expected examples, got none"):
        made(examples(np.zeros((0, 5)), origin="train"))


def test_a_class_without_training_examples_is_an_error() -> None:
    with pytest.raises(DataError, match=r"none of class 1 \(b\)"):
        made(examples(labels=np.arange(60) % 2 * 2))


def test_one_class_is_not_enough() -> None:
    card = Card("mine", "Mine", ("a",), None)
    one = examples(labels=np.zeros(60, dtype=int))
    with pytest.raises(DataError, match="two classes at least, got 1"):
        prepare(card, one, one, 0.2, 0)


@pytest.mark.parametrize("labels", [[1000, 1, 2], [np.nan] * 3, [-5, -1, -1]])
def test_labels_that_do_not_number_classes_give_no_names(labels: list[float]) -> None:
    with pytest.raises(DataError, match="must number the classes from 0 on"):
        class_names(examples(np.zeros((3, 5)), labels))


def test_parts_of_different_shapes_cannot_be_joined() -> None:
    with pytest.raises(
        ShapeError, match=r"part 2: .*shape \(5,\) as in train\.npz, got \(4,\)"
    ):
        joined([examples(), examples(np.zeros((3, 4)), origin="part 2")])


def test_the_normalisation_is_that_of_the_training_split_by_feature() -> None:
    x = RNG.normal(3.0, 2.0, size=(600, 4))
    x[:, 3] = 5.25
    data = made(examples(x), examples(x + 100))
    train = data.train.inputs.double().numpy()
    # Sums of 480 float32 numbers, added in pairs: a few rounding errors.
    np.testing.assert_allclose(data.mean, train.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(data.std[:3], train.std(axis=0)[:3], rtol=1e-6)
    assert data.std[3] == 1.0


def test_the_normalisation_of_images_is_by_channel_and_pixels_are_divided_by_255() -> None:
    pixels = RNG.integers(0, 256, size=(300, 3, 4, 6), dtype=np.uint8)
    pixels[:, 2] = 51
    data = made(examples(pixels), examples(pixels), domain=UNIT)
    train = data.train.inputs.double().numpy()
    assert data.shape == (3, 4, 6)
    assert train.max() == 1.0
    np.testing.assert_allclose(data.mean, train.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(data.std[:2], train.std(axis=(0, 2, 3))[:2], rtol=1e-6)
    assert data.mean[2] == pytest.approx(0.2)
    assert data.std[2] == 1.0


def test_own_data_get_a_customary_set_of_two_percent() -> None:
    bounded = made(examples(), domain=(-1.0, 3.0))
    assert [(s.norm, s.radius, s.domain) for s in bounded.customary] == [
        ("Linf", 0.08, (-1.0, 3.0))
    ]
    free = made(examples(10 * RNG.random((60, 5))))
    assert free.customary[0].radius == pytest.approx(0.02 * max(free.std))


def test_the_callers_arrays_are_not_shared() -> None:
    x = RNG.random((60, 5)).astype(np.float32)
    card = Card("mine", "Mine", ("a", "b", "c"), None)
    data = assemble(card, examples(x), examples(x), examples(x))
    x[:] = 7
    assert float(data.test.inputs.max()) <= 1
