"""A user's own arrays, Parquet tables and image folders."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gnomon.data import ArrayFile, ImageFolder, ParquetFile, Source, Store
from gnomon.errors import DataError, OutOfDomainError, SettingError, ShapeError

RNG = np.random.default_rng(0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(None, tmp_path / "cache")


def pixels(count: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, 256, size=(count, *shape), dtype=np.uint8)


def write_npz(folder: Path, **changes: object) -> Path:
    arrays: dict[str, object] = {
        "x_train": pixels(60, 6, 5, 3),
        "y_train": np.arange(60) % 3,
        "x_test": pixels(12, 6, 5, 3),
        "y_test": np.arange(12) % 3,
    }
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    with zipfile.ZipFile(folder / "mine.npz", "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(array))
    return folder / "mine.npz"


def encoded(image: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def write_parquet(path: Path, images: list[Any], labels: list[Any], **more: object) -> Path:
    column = more.get("column", "image")
    rows = images if more.get("raw") else [{"bytes": image, "path": None} for image in images]
    kind = (
        pa.binary()
        if more.get("raw")
        else pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    table = pa.table({column: pa.array(rows, kind), "label": labels})
    if "names" in more:
        described = {
            "info": {"features": {"label": {"names": more["names"], "_type": "ClassLabel"}}}
        }
        table = table.replace_schema_metadata({"huggingface": json.dumps(described)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def write_folder(
    root: Path, count: int = 10, shape: tuple[int, ...] = (6, 5, 3)
) -> dict[str, list[Any]]:
    written: dict[str, list[Any]] = {}
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        written[name] = [pixels(1, *shape)[0] for _ in range(count)]
        for index, image in enumerate(written[name]):
            (root / name / f"{index:02}.png").write_bytes(encoded(image))
    return written


# --- arrays


def test_pixel_images_become_channels_first_in_the_unit_interval(
    tmp_path: Path, store: Store
) -> None:
    x = pixels(12, 6, 5, 3)
    data = ArrayFile(write_npz(tmp_path, x_test=x))(0, store)
    np.testing.assert_array_equal(
        data.test.inputs, np.moveaxis(x, -1, 1).astype(np.float32) / 255
    )
    assert data.domain == (0.0, 1.0)
    assert (data.name, data.title, data.class_names) == ("mine", "mine.npz", ("0", "1", "2"))
    assert [len(s) for s in (data.train, data.validation, data.test)] == [54, 6, 12]


def test_grey_images_get_one_channel(tmp_path: Path, store: Store) -> None:
    path = write_npz(tmp_path, x_train=pixels(60, 6, 5), x_test=pixels(12, 6, 5))
    assert ArrayFile(path)(0, store).shape == (1, 6, 5)


def test_floating_arrays_are_taken_as_they_are(tmp_path: Path, store: Store) -> None:
    for shape, expected in (((4,), (4,)), ((3, 6, 5), (3, 6, 5)), ((6, 5), (1, 6, 5))):
        x = RNG.normal(size=(12, *shape))
        path = write_npz(tmp_path, x_train=RNG.normal(size=(60, *shape)), x_test=x)
        data = ArrayFile(path)(0, store)
        assert data.shape == expected
        assert data.domain is None
        np.testing.assert_array_equal(data.test.inputs.flatten(), x.astype(np.float32).ravel())


def test_a_stated_domain_is_checked_and_kept(tmp_path: Path, store: Store) -> None:
    x = RNG.uniform(-1, 1, size=(60, 4))
    path = write_npz(tmp_path, x_train=x, x_test=x[:12])
    assert ArrayFile(path, domain=(-1.0, 1.0))(0, store).domain == (-1.0, 1.0)
    with pytest.raises(
        OutOfDomainError, match=r"mine.npz, x_train and y_train: inputs must lie in"
    ):
        ArrayFile(path, domain=(0.0, 1.0))(0, store)


def test_groups_stay_whole_in_the_validation_split(tmp_path: Path, store: Store) -> None:
    groups = np.arange(60, dtype=np.uint8) // 6
    x = np.repeat(np.arange(60.0)[:, None] // 6, 2, axis=1)
    path = write_npz(tmp_path, x_train=x, x_test=x[:12], groups_train=groups)
    data = ArrayFile(path, validation_share=0.3)(0, store)
    kept, held = (set(s.inputs[:, 0].tolist()) for s in (data.train, data.validation))
    assert held
    assert not kept & held


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "expected an array y_test"),
        (
            {"y_train": None, "y_training": np.zeros(60)},
            "Known: .*, y_test, y_training",
        ),
        (
            {"y_train": np.arange(60) % 3 - 1},
            "x_train and y_train: labels must be integers from 0",
        ),
        ({"y_test": np.full(12, 3)}, "x_test and y_test: labels must be .* got 3 at index 0"),
        ({"x_test": RNG.random((12, 6, 5, 3))}, "of one kind, got uint8 and float64"),
        ({"x_train": np.array([{}] * 60, dtype=object)}, "archive of plain arrays"),
        ({"groups_train": np.zeros(60)}, "groups_train: expected integers, got float64"),
    ],
)
def test_malformed_arrays_are_named(
    tmp_path: Path, store: Store, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        ArrayFile(write_npz(tmp_path, **changes))(0, store)


def test_arrays_of_different_lengths_are_an_error(tmp_path: Path, store: Store) -> None:
    with pytest.raises(ShapeError, match="one label for each of the 60 inputs"):
        ArrayFile(write_npz(tmp_path, y_train=np.zeros(59)))(0, store)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_that_is_no_archive_is_an_error(
    tmp_path: Path, store: Store, content: bytes | None
) -> None:
    whole = write_npz(tmp_path).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(DataError, match=r"cut\.npz: expected an \.npz archive"):
        ArrayFile(tmp_path / "cut.npz")(0, store)


def test_an_archive_with_flipped_bytes_is_an_error(tmp_path: Path, store: Store) -> None:
    path = write_npz(tmp_path)
    content = bytearray(path.read_bytes())
    content[400:500] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(DataError, match="Bad CRC-32"):
        ArrayFile(path)(0, store)


def test_a_single_array_is_not_an_archive(tmp_path: Path, store: Store) -> None:
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match="got one array"):
        ArrayFile(tmp_path / "one.npy")(0, store)


def test_an_interval_has_its_lower_end_first(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"domain must be an interval"):
        ArrayFile(tmp_path, domain=(1.0, 0.0))


# --- Parquet


def test_a_folder_of_shards_in_the_layout_of_the_hub(tmp_path: Path, store: Store) -> None:
    images = pixels(40, 6, 5, 3)
    for shard in range(2):
        part = [encoded(image) for image in images[20 * shard : 20 * shard + 20]]
        path = tmp_path / "set" / "data" / f"train-0000{shard}-of-00002.parquet"
        write_parquet(path, part, [0, 1] * 10, names=["cat", "dog"])
    test = [encoded(image) for image in images[:6]]
    write_parquet(tmp_path / "set" / "data" / "test-00000-of-00001.parquet", test, [0, 1] * 3)
    data = ParquetFile(tmp_path / "set")(0, store)
    assert data.class_names == ("cat", "dog")
    assert (data.name, data.shape, data.domain) == ("set", (3, 6, 5), (0.0, 1.0))
    assert len(data.train) + len(data.validation) == 40
    expected = np.moveaxis(images[:6], -1, 1).astype(np.float32) / 255
    np.testing.assert_array_equal(data.test.inputs, expected)


@pytest.mark.parametrize("form", [{"raw": True}, {"column": "img"}])
def test_one_file_is_divided_and_two_files_are_a_pair(
    tmp_path: Path, store: Store, form: dict[str, Any]
) -> None:
    images = [encoded(image) for image in pixels(40, 6, 5)]
    path = write_parquet(tmp_path / "all.parquet", images, [0, 1] * 20, **form)
    divided = ParquetFile(path, test_share=0.25)(0, store)
    assert [len(s) for s in (divided.train, divided.validation, divided.test)] == [28, 2, 10]
    assert (
        ParquetFile(path, test_share=0.25)(1, store).test.labels.tolist()
        == divided.test.labels.tolist()
    )
    pair = ParquetFile(path, test_path=path)(0, store)
    assert [len(s) for s in (pair.train, pair.validation, pair.test)] == [36, 4, 40]


def test_many_decoded_images_are_kept_and_read_again(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnomon.data.tables._WORTH_KEEPING", 40)
    images = [encoded(image) for image in pixels(40, 6, 5)]
    source = ParquetFile(write_parquet(tmp_path / "all.parquet", images, [0, 1] * 20))
    first = source(0, store)
    (kept,) = (store.cache / "decoded").iterdir()
    monkeypatch.setattr("gnomon.data.tables.decode", lambda *_: pytest.fail("decoded again"))
    assert source(0, store).fingerprint == first.fingerprint
    monkeypatch.undo()
    monkeypatch.setattr("gnomon.data.tables._WORTH_KEEPING", 40)
    kept.write_bytes(kept.read_bytes()[:200])  # A damaged copy is made again.
    assert source(0, store).fingerprint == first.fingerprint
    assert kept.stat().st_size > 1200


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnomon.data.tables._WORTH_KEEPING", 40)
    (tmp_path / "cache").write_text("a file where the folder should be")
    images = [encoded(image) for image in pixels(40, 6, 5)]
    path = write_parquet(tmp_path / "all.parquet", images, [0, 1] * 20)
    assert len(ParquetFile(path)(0, Store(None, tmp_path / "cache")).test) == 8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label_column": "labels"}, "expected a column labels. Did you mean 'label'"),
        ({"image_column": "picture"}, "expected a column picture"),
        ({"image_column": "label"}, "expected a column of image files, got int64"),
    ],
)
def test_columns_that_are_not_there_are_named(
    tmp_path: Path, store: Store, settings: dict[str, Any], message: str
) -> None:
    images = [encoded(image) for image in pixels(10, 6, 5)]
    path = write_parquet(tmp_path / "all.parquet", images, [0, 1] * 5)
    with pytest.raises(DataError, match=message):
        ParquetFile(path, **settings)(0, store)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_image_is_named_with_its_index(
    tmp_path: Path, store: Store, kind: str
) -> None:
    images = [encoded(image, kind) for image in pixels(10, 30, 30)]
    images[3] = images[3][: len(images[3]) // 2]
    path = write_parquet(tmp_path / "all.parquet", images, [0, 1] * 5)
    with pytest.raises(DataError, match="image 3: expected a whole image"):
        ParquetFile(path)(0, store)


@pytest.mark.parametrize(("image", "message"), [(None, "its bytes"), (b"", "whole image")])
def test_an_absent_image_is_named(
    tmp_path: Path, store: Store, image: bytes | None, message: str
) -> None:
    images: list[Any] = [encoded(image) for image in pixels(10, 6, 5)]
    images[4] = image
    path = write_parquet(tmp_path / "all.parquet", images, [0, 1] * 5)
    with pytest.raises(DataError, match=f"image 4: expected .*{message}"):
        ParquetFile(path)(0, store)


def test_a_missing_label_is_an_error(tmp_path: Path, store: Store) -> None:
    images = [encoded(image) for image in pixels(10, 6, 5)]
    path = write_parquet(tmp_path / "all.parquet", images, [0, 1, None, *[0, 1] * 3, 1])
    with pytest.raises(DataError, match="got nan at index 2"):
        ParquetFile(path)(0, store)


def test_parquet_files_that_are_missing_or_cut_are_an_error(
    tmp_path: Path, store: Store
) -> None:
    with pytest.raises(DataError, match="expected a file, got none"):
        ParquetFile(tmp_path / "nothing.parquet")(0, store)
    with pytest.raises(DataError, match=r"expected files train\*\.parquet"):
        ParquetFile(tmp_path)(0, store)
    images = [encoded(image) for image in pixels(10, 6, 5)]
    whole = write_parquet(tmp_path / "all.parquet", images, [0, 1] * 5).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.parquet: expected a whole Parquet file"):
        ParquetFile(tmp_path / "cut.parquet")(0, store)


# --- folders of images


def test_folders_of_classes_with_a_test_folder(tmp_path: Path, store: Store) -> None:
    write_folder(tmp_path / "train")
    written = write_folder(tmp_path / "test", count=4)
    (tmp_path / "train" / "cat" / "notes.txt").write_text("passed over")
    (tmp_path / "train" / ".hidden").mkdir()
    data = ImageFolder(tmp_path)(0, store)
    assert data.class_names == ("cat", "dog")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [18, 2, 8]
    expected = np.moveaxis(np.stack(written["cat"] + written["dog"]), -1, 1)
    np.testing.assert_array_equal(data.test.inputs, expected.astype(np.float32) / 255)
    assert data.test.labels.tolist() == [0] * 4 + [1] * 4


def test_folders_of_classes_alone_are_divided(tmp_path: Path, store: Store) -> None:
    write_folder(tmp_path / "mine", shape=(6, 5))
    data = ImageFolder(tmp_path / "mine")(0, store)
    assert data.shape == (1, 6, 5)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [14, 2, 4]


def test_images_of_several_sizes_need_a_size(tmp_path: Path, store: Store) -> None:
    write_folder(tmp_path)
    (tmp_path / "dog" / "wide.png").write_bytes(encoded(pixels(1, 6, 9, 3)[0]))
    with pytest.raises(ShapeError, match=r"wide\.png: expected 6 × 5 pixels .* got 6 × 9"):
        ImageFolder(tmp_path)(0, store)
    assert ImageFolder(tmp_path, size=(8, 7))(0, store).shape == (3, 8, 7)


def test_a_colour_image_among_grey_ones_is_an_error_and_a_grey_one_among_others_is_not(
    tmp_path: Path, store: Store
) -> None:
    write_folder(tmp_path / "grey", shape=(6, 5))
    (tmp_path / "grey" / "dog" / "new.png").write_bytes(encoded(pixels(1, 6, 5, 3)[0]))
    with pytest.raises(DataError, match=r"new\.png: expected a grey image"):
        ImageFolder(tmp_path / "grey")(0, store)
    write_folder(tmp_path / "colour")
    (tmp_path / "colour" / "dog" / "new.png").write_bytes(encoded(pixels(1, 6, 5)[0]))
    assert ImageFolder(tmp_path / "colour")(0, store).shape == (3, 6, 5)


def test_sixteen_bits_per_channel_are_an_error(tmp_path: Path, store: Store) -> None:
    write_folder(tmp_path)
    Image.fromarray(np.zeros((6, 5), dtype=np.uint16)).save(tmp_path / "cat" / "deep.png")
    with pytest.raises(DataError, match=r"deep\.png: expected an image of 8 bits"):
        ImageFolder(tmp_path)(0, store)


def test_folders_that_hold_no_classes_or_no_images_are_an_error(
    tmp_path: Path, store: Store
) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match="expected a folder for each class"):
            ImageFolder(path)(0, store)
    write_folder(tmp_path / "mine")
    (tmp_path / "mine" / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: expected images \(.*\), got none"):
        ImageFolder(tmp_path / "mine")(0, store)


def test_a_class_that_only_the_test_folder_has_is_an_error(
    tmp_path: Path, store: Store
) -> None:
    write_folder(tmp_path / "train")
    write_folder(tmp_path / "test")
    (tmp_path / "test" / "dog").rename(tmp_path / "test" / "dogs")
    with pytest.raises(DataError, match=r"dogs: expected a class .* Did you mean 'dog'"):
        ImageFolder(tmp_path)(0, store)


@pytest.mark.parametrize("source", [ParquetFile, ImageFolder])
def test_a_size_is_positive(source: type, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="size must be positive"):
        source(tmp_path, size=(0, 3))


def test_making_a_source_reads_nothing(tmp_path: Path) -> None:
    for kind in (ArrayFile, ParquetFile, ImageFolder):
        assert isinstance(kind(tmp_path / "not there"), Source)
