"""The studies that come with Gnomon: `gnomon study NAME`."""

from pathlib import Path

from gnomon.errors import UnknownNameError, nearest

_FOLDER = Path(__file__).parent


def shipped_studies() -> dict[str, Path]:
    """The files of the shipped studies by name."""
    return {file.stem: file for file in sorted(_FOLDER.glob("*.toml"))}


def locate(text: str) -> Path:
    """The file of a study that is named, or the path itself.

    Raises:
        UnknownNameError: no file, and no shipped study.
    """
    path, shipped = Path(text), shipped_studies()
    if path.is_file():
        return path
    if text not in shipped:
        raise UnknownNameError(
            f"{text}: expected the path of a study's TOML file, or the name of a shipped one."
            f"{nearest(text, shipped)}"
        )
    return shipped[text]
