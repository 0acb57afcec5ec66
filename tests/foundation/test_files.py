"""Writes are whole or absent, also when the disk is full or the process is killed."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gnomon.files import replacing, write_text


def test_the_content_appears_under_its_name_alone(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "note.txt", "é\n")
    assert (tmp_path / "new" / "note.txt").read_text(encoding="utf-8") == "é\n"
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["note.txt"]


def test_an_error_leaves_the_old_content_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        _break_off(path)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["note.txt"]


def test_the_old_content_stands_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_files_get_the_rights_the_user_gives_new_files(tmp_path: Path) -> None:
    (tmp_path / "ordinary").write_text("")
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_full_disk_leaves_the_old_content(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: the write fails in the middle."""
    path = tmp_path / "note.txt"
    write_text(path, "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write_text(path, "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["note.txt"]


def test_a_reader_never_meets_half_a_file_however_the_writer_dies(tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    script = (
        "import sys, itertools; from pathlib import Path; from gnomon.files import write_text\n"
        "for i in itertools.count(): write_text(Path(sys.argv[1]), f'{i % 10}' * 200_000)"
    )
    for attempt in range(5):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)])
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.02 * attempt)
        writer.kill()
        writer.wait()
        text = path.read_text()
        assert len(text) == 200_000
        assert len(set(text)) == 1


def _break_off(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError
