"""The published data sets: the real files, and damaged or small copies of them."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from gnomon.data import CIFAR10, GTSRB, MNIST, Dataset, Digits, RemoteFile, Source, Store
from gnomon.data.cifar10 import CLASSES, read_batches
from gnomon.data.gtsrb import SIGNS
from gnomon.data.mnist import read_idx
from gnomon.errors import DataError, SettingError


@pytest.fixture(scope="module")
def store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(real_data, tmp_path_factory.mktemp("cache"), download=False)


@pytest.fixture
def empty_store(tmp_path: Path) -> Store:
    return Store(None, tmp_path, download=False)


def check_images(data: Dataset, shape: tuple[int, ...], sizes: tuple[int, int, int]) -> None:
    assert data.shape == shape
    assert tuple(len(s) for s in (data.train, data.validation, data.test)) == sizes
    assert data.domain == (0.0, 1.0)
    assert float(data.train.inputs.min()) == 0.0
    assert float(data.train.inputs.max()) == 1.0
    assert {s.domain for s in data.customary} == {(0.0, 1.0)}
    for split in (data.train, data.validation, data.test):
        assert split.labels.unique().tolist() == list(range(data.classes))


# --- digits


def test_digits_are_scaled_to_the_unit_interval(empty_store: Store) -> None:
    data = Digits()(0, empty_store)
    check_images(data, (1, 8, 8), (1295, 143, 359))


def test_digits_have_one_test_split_and_a_validation_split_for_each_seed(
    empty_store: Store,
) -> None:
    one, again, other = (Digits()(seed, empty_store) for seed in (0, 0, 1))
    assert one.fingerprint == again.fingerprint
    assert one.fingerprint != other.fingerprint
    assert one.test.inputs.equal(other.test.inputs)


# --- MNIST


def test_mnist_as_published(store: Store) -> None:
    data = MNIST()(0, store)
    check_images(data, (1, 28, 28), (54001, 5999, 10000))  # 0.1 of each class, rounded
    assert data.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The commonly cited mean and standard deviation of all 60,000.
    assert data.mean[0] == pytest.approx(0.1307, abs=5e-4)
    assert data.std[0] == pytest.approx(0.3081, abs=5e-4)


@pytest.mark.slow
def test_the_validation_split_of_mnist_depends_on_the_seed(store: Store) -> None:
    assert MNIST()(0, store).fingerprint != MNIST()(1, store).fingerprint


def test_missing_mnist_says_where_to_put_it(empty_store: Store) -> None:
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: .* Put the file there"):
        MNIST()(0, empty_store)


def test_truncated_mnist_is_refused(real_data: Path, empty_store: Store) -> None:
    name = "train-images-idx3-ubyte.gz"
    folder = empty_store.cache / "mnist"
    folder.mkdir()
    (folder / name).write_bytes((real_data / "mnist" / name).read_bytes()[:100_000])
    with pytest.raises(DataError, match=r"expected md5 f68b3c2d.*truncated or altered"):
        MNIST()(0, empty_store)


def idx(*shape: int, content: bytes | None = None, kind: int = 8) -> bytes:
    lengths = b"".join(length.to_bytes(4, "big") for length in shape)
    entries = bytes(int(np.prod(shape))) if content is None else content
    return gzip.compress(bytes([0, 0, kind, len(shape)]) + lengths + entries)


def test_an_idx_file_is_an_array_of_bytes(tmp_path: Path) -> None:
    (tmp_path / "idx.gz").write_bytes(idx(2, 3, content=bytes(range(6))))
    assert read_idx(tmp_path / "idx.gz").tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(20, 30)[:-15], "whole gzip file"),
        (b"no gzip", "whole gzip file"),
        (idx(2, 3, content=bytes(5)), "expected 6 entries, got 5"),
        (idx(2, kind=13), "idx file of unsigned bytes"),
        (gzip.compress(b"\0\0\x08"), "idx file of unsigned bytes"),
        (gzip.compress(b"\0\0\x08\x03\0\0"), "idx file of unsigned bytes"),
        (gzip.compress(b""), "idx file of unsigned bytes"),
    ],
    ids=["truncated", "no gzip", "short", "floats", "no shape", "half a shape", "empty"],
)
def test_a_damaged_idx_file_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "idx.gz").write_bytes(content)
    with pytest.raises(
        DataError, match=rf"idx\.gz: expected .*{message.removeprefix('expected ')}"
    ):
        read_idx(tmp_path / "idx.gz")


# --- GTSRB


def test_gtsrb_keeps_tracks_together(store: Store, real_data: Path) -> None:
    data = GTSRB()(0, store)
    check_images(data, (3, 32, 32), (8951, 1049, 3000))
    assert data.class_names == SIGNS
    assert len(set(SIGNS)) == 43
    with np.load(real_data / "gtsrb32" / "gtsrb32_10k3k.npz") as arrays:
        x, y, track = arrays["x_train"], arrays["y_train"], arrays["track_train"]
    owner = {image.tobytes(): (int(c), int(t)) for image, c, t in zip(x, y, track, strict=True)}
    kept, held = (
        {
            owner[image.tobytes()]
            for image in (split.inputs * 255)
            .round()
            .byte()
            .permute(0, 2, 3, 1)
            .contiguous()
            .numpy()
        }
        for split in (data.train, data.validation)
    )
    assert not kept & held
    assert len(kept | held) == 1307


def test_missing_gtsrb_says_where_to_put_it(empty_store: Store) -> None:
    with pytest.raises(DataError, match=r"gtsrb32_10k3k\.npz: .*gtsrb32; .*no public address"):
        GTSRB()(0, empty_store)


def test_gtsrb_of_another_form_is_an_error(empty_store: Store) -> None:
    path = empty_store.cache / "gtsrb32" / "gtsrb32_10k3k.npz"
    path.parent.mkdir()
    three = np.zeros(3, np.uint8)
    np.savez(path, x_train=three, y_train=three, x_test=three, y_test=three)
    with pytest.raises(DataError, match="expected an array track_train"):
        GTSRB()(0, empty_store)
    np.savez(path, x_train=three, y_train=three, x_test=three, y_test=three, track_train=three)
    with pytest.raises(DataError, match="x_train: expected uint8 images"):
        GTSRB()(0, empty_store)


# --- CIFAR-10


@pytest.mark.slow
def test_the_jpeg_copy_of_cifar10_is_called_so(store: Store) -> None:
    data = CIFAR10()(0, store)
    check_images(data, (3, 32, 32), (45000, 5000, 10000))
    assert data.title == "CIFAR-10 (JPEG q75)"
    few = CIFAR10(train_share=0.02)(0, store)
    assert few.title == "CIFAR-10 (JPEG q75), 1,000 of its training images"
    together = torch.cat((few.train.labels, few.validation.labels))
    assert together.bincount().tolist() == [100] * 10
    assert torch.equal(few.test.inputs, data.test.inputs)
    assert CIFAR10(train_share=0.02)(1, store).fingerprint != few.fingerprint
    with pytest.raises(SettingError, match="train_share must lie in"):
        CIFAR10(train_share=0.0)
    assert data.class_names == CLASSES
    # The commonly cited means of the originals; the copy differs per pixel, hardly on average.
    np.testing.assert_allclose(data.mean, [0.4914, 0.4822, 0.4465], atol=2e-3)
    assert data.test.labels[:4].tolist() == [3, 8, 8, 0]  # cat, ship, ship, airplane


def archive(path: Path, records: int, *, left_out: str = "", cut: int = 0) -> np.ndarray:
    """A small archive in the form of the official one; returns the records of each batch."""
    rng = np.random.default_rng(0)
    batches = rng.integers(0, 256, size=(6, records, 3073), dtype=np.uint8)
    batches[:, :, 0] = np.arange(records) % 10
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    with tarfile.open(path, "w:gz") as file:
        for name, batch in zip(names, batches, strict=True):
            content = batch.tobytes()[: batch.size - cut]
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            if name != left_out:
                file.addfile(member, io.BytesIO(content))
        file.addfile(tarfile.TarInfo("cifar-10-batches-bin/readme.html"), io.BytesIO())
    return batches


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an archive without the published checksum is accepted."""
    unchecked = RemoteFile("cifar-10-binary.tar.gz")
    monkeypatch.setattr("gnomon.data.cifar10._ORIGINAL", unchecked)
    (tmp_path / "cifar10").mkdir()
    return tmp_path / "cifar10" / "cifar-10-binary.tar.gz"


def test_the_official_archive_is_read_in_its_binary_form(
    official: Path, empty_store: Store
) -> None:
    batches = archive(official, 20)
    data = CIFAR10()(0, empty_store)
    assert data.title == "CIFAR-10"
    assert [len(s) for s in (data.train, data.validation, data.test)] == [90, 10, 20]
    expected = batches[5, :, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255
    np.testing.assert_array_equal(data.test.inputs, expected)
    assert data.test.labels.tolist() == batches[5, :, 0].tolist()


def test_the_original_comes_before_the_copy(
    official: Path, real_data: Path, tmp_path: Path
) -> None:
    archive(official, 20)
    both = Store(real_data, tmp_path, download=False)
    assert CIFAR10()(0, both).title == "CIFAR-10"


def test_a_damaged_archive_is_an_error(official: Path, empty_store: Store) -> None:
    archive(official, 20, left_out="data_batch_4.bin")
    with pytest.raises(DataError, match=r"expected data_batch_4\.bin in the archive"):
        CIFAR10()(0, empty_store)
    archive(official, 20, cut=7)
    with pytest.raises(DataError, match=r"data_batch_1\.bin: expected records of 3073 bytes"):
        CIFAR10()(0, empty_store)
    archive(official, 20)
    official.write_bytes(official.read_bytes()[:50_000])
    with pytest.raises(DataError, match="expected a whole archive"):
        read_batches(official)


def test_an_archive_that_is_not_the_published_one_is_refused(
    tmp_path: Path, empty_store: Store
) -> None:
    (tmp_path / "cifar10").mkdir()
    archive(tmp_path / "cifar10" / "cifar-10-binary.tar.gz", 2)
    with pytest.raises(DataError, match="expected md5 c32a1d4ab5d03f1284b67883e8d87530"):
        CIFAR10()(0, empty_store)


def test_cifar10_that_is_nowhere_names_the_official_archive(empty_store: Store) -> None:
    with pytest.raises(
        DataError, match=r"cifar-10-binary\.tar\.gz: .* downloads are switched off"
    ):
        CIFAR10()(0, empty_store)
    with pytest.raises(DataError, match=r"train\.parquet: .* no public address"):
        CIFAR10(version="jpeg75")(0, empty_store)


def test_published_data_sets_are_sources() -> None:
    assert all(isinstance(source, Source) for source in (Digits(), MNIST(), CIFAR10(), GTSRB()))
