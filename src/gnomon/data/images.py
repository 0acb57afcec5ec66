"""Decodes image files into arrays of pixels."""

import io
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from gnomon.data.examples import channels_first
from gnomon.errors import DataError, ShapeError
from gnomon.files import replacing

Pixels = UInt8[np.ndarray, " examples channels height width"]

_GREY = frozenset({"1", "L", "LA"})
_COLOUR = frozenset({"P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})


def decode(files: Iterable[tuple[str, bytes]], size: tuple[int, int] | None = None) -> Pixels:
    """The pixels of image files of any format that Pillow reads.

    If the first image is grey, all must be; otherwise all are converted to RGB. Transparency is
    dropped.

    Args:
        files: the name of each image, for messages, and its content.
        size: height and width that every image is resized to; without it, all must have one
            size.

    Raises:
        DataError: a file is no image or is truncated, or a colour image follows on a grey one.
        ShapeError: an image has another size than the first.
    """
    images: list[np.ndarray] = []
    mode = ""
    for name, content in files:
        image = _open(name, content)
        mode = mode or ("L" if image.mode in _GREY else "RGB")
        if mode == "L" and image.mode not in _GREY:
            raise DataError(
                f"{name}: expected a grey image, as the first one is, got one in colour "
                f"({image.mode}). Convert all images to one mode."
            )
        pixels = np.asarray(_in_size(image.convert(mode), size))
        if images and pixels.shape != images[0].shape:
            raise ShapeError(
                f"{name}: expected {_size_of(images[0])} pixels as in the first image, got "
                f"{_size_of(pixels)}. Resize the images, or set size = [height, width]."
            )
        images.append(pixels)
    return channels_first(np.stack(images)) if images else np.zeros((0, 1, 1, 1), np.uint8)


def cached(path: Path, count: int, make: Callable[[], Pixels]) -> Pixels:
    """Returns the `count` images cached at `path`; makes and caches them if they are absent.

    A folder that cannot be written to only costs the time to make them again.
    """
    try:
        kept = np.load(path, allow_pickle=False)
        if kept.dtype == np.uint8 and kept.ndim == 4 and len(kept) == count:
            return kept
    except (OSError, ValueError, EOFError):
        pass  # Not there yet, or not what was written: it is made afresh.
    images = make()
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, images, allow_pickle=False)
    except OSError:
        pass
    return images


def _open(name: str, content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content))
            image.load()
    except (
        OSError,
        SyntaxError,
        ValueError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise DataError(
            f"{name}: expected a whole image, got: {error}. Replace or remove it."
        ) from error
    if image.mode not in _GREY | _COLOUR:
        raise DataError(
            f"{name}: expected an image of 8 bits per channel, got Pillow's mode {image.mode}. "
            "Convert it."
        )
    return image


def _in_size(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    if size is None or (image.height, image.width) == size:
        return image
    height, width = size
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _size_of(pixels: np.ndarray) -> str:
    return f"{pixels.shape[0]} × {pixels.shape[1]}"
