"""Finding and fetching files, against a server on this machine."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.data import RemoteFile, Store
from gnomon.errors import DataError, SettingError

CONTENT = bytes(range(256)) * 2000
CHECKSUM = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Publisher(http.server.BaseHTTPRequestHandler):
    """Serves /whole, cuts /cut after half of it, and knows nothing else."""

    def do_GET(self) -> None:
        if self.path not in {"/whole", "/cut"}:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[: len(CONTENT) // 2])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keeps quiet."""


@pytest.fixture(scope="module")
def publisher() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    root = tmp_path / "root"
    root.mkdir()
    return Store(root, tmp_path / "cache", timeout=5.0)


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once_and_then_found(publisher: str, store: Store) -> None:
    file = RemoteFile("data.gz", (f"{publisher}/whole",), CHECKSUM)
    path = store.find("set", file)
    assert path == store.cache / "set" / "data.gz"
    assert path.read_bytes() == CONTENT
    nowhere = RemoteFile("data.gz", ("http://127.0.0.1:1/",), CHECKSUM)
    assert store.find("set", nowhere) == path


def test_the_given_folder_comes_before_the_cache(store: Store) -> None:
    for place in (store.root, store.cache):
        assert place is not None
        (place / "set").mkdir(parents=True)
        (place / "set" / "data.gz").write_bytes(CONTENT)
    assert store.root is not None
    found = store.find("set", RemoteFile("data.gz", checksum=CHECKSUM))
    assert found == store.root / "set" / "data.gz"
    assert store.locate("set", "data.gz") == found
    assert store.locate("set", "other.gz") is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("cut", "Connection broken|IncompleteRead"),
        ("missing", "404"),
        ("whole", "expected md5 0{32}"),
    ],
)
def test_a_failed_download_is_one_error_and_leaves_nothing(
    publisher: str, store: Store, path: str, reason: str
) -> None:
    checksum = "md5:" + "0" * 32 if path == "whole" else CHECKSUM
    file = RemoteFile("data.gz", (f"{publisher}/{path}",), checksum)
    with pytest.raises(DataError, match=reason) as caught:
        store.find("set", file)
    assert str(store.cache / "set") in str(caught.value)  # where to put the file by hand
    assert files_under(store.cache) == []


def test_a_wrong_checksum_says_what_came(publisher: str, store: Store) -> None:
    file = RemoteFile("data.gz", (f"{publisher}/whole",), "md5:" + "0" * 32)
    with pytest.raises(DataError, match=CHECKSUM.removeprefix("md5:")):
        store.find("set", file)


def test_without_a_network_the_error_names_the_address(store: Store) -> None:
    file = RemoteFile("data.gz", ("http://127.0.0.1:1/data.gz",), CHECKSUM)
    with pytest.raises(DataError, match=r"127\.0\.0\.1:1/data\.gz"):
        store.find("set", file)
    assert files_under(store.cache) == []


def test_the_next_address_is_tried(publisher: str, store: Store) -> None:
    addresses = (f"{publisher}/missing", f"{publisher}/cut", f"{publisher}/whole")
    assert store.find("set", RemoteFile("data.gz", addresses, CHECKSUM)).read_bytes() == CONTENT


def test_a_disk_without_room_leaves_nothing(
    publisher: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        store.find("set", RemoteFile("data.gz", (f"{publisher}/whole",), CHECKSUM))
    assert files_under(store.cache) == []


def test_nothing_is_fetched_when_downloads_are_off(publisher: str, store: Store) -> None:
    offline = Store(store.root, store.cache, download=False)
    with pytest.raises(DataError, match="downloads are switched off") as caught:
        offline.find("set", RemoteFile("data.gz", (f"{publisher}/whole",), CHECKSUM))
    assert str(store.root) in str(caught.value)


def test_a_file_nobody_publishes_has_to_be_put_there(store: Store) -> None:
    with pytest.raises(DataError, match=r"has no public address\. Put the file there"):
        store.find("set", RemoteFile("data.npz"))


@pytest.mark.parametrize("altered", [CONTENT[:1000], CONTENT[:-1] + b"\0"])
def test_a_truncated_or_altered_local_file_is_refused_and_kept(
    store: Store, altered: bytes
) -> None:
    path = store.cache / "set" / "data.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(altered)
    with pytest.raises(DataError, match=r"truncated or altered\. Delete it") as caught:
        store.find("set", RemoteFile("data.gz", checksum=CHECKSUM))
    assert str(path) in str(caught.value)
    assert path.read_bytes() == altered


def test_a_download_shows_its_progress_only_where_it_is_wanted(
    publisher: str, store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    file = RemoteFile("quiet.gz", (f"{publisher}/whole",), CHECKSUM)
    store.find("set", file)
    assert capfd.readouterr() == ("", "")
    loud = Store(store.root, store.cache, progress=True)
    loud.find("set", RemoteFile("loud.gz", (f"{publisher}/whole",), CHECKSUM))
    assert "100%" in capfd.readouterr().err


def test_the_default_store_reads_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNOMON_DATA", str(tmp_path))
    monkeypatch.setenv("GNOMON_CACHE", str(tmp_path / "cache"))
    assert Store.default() == Store(tmp_path, tmp_path / "cache")
    monkeypatch.delenv("GNOMON_DATA")
    monkeypatch.setenv("GNOMON_CACHE", "")
    assert Store.default().root is None
    assert "gnomon" in str(Store.default().cache)


def test_a_folder_of_data_sets_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"must exist, got .*nowhere"):
        Store(tmp_path / "nowhere", tmp_path)
