"""Pictures of the data, and of what an attack adds to them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from gnomon.attacks import PGD
from gnomon.audit.subject import Subject
from gnomon.data.dataset import Dataset
from gnomon.networks.predictions import device_of, predict
from gnomon.report.picture import (
    COLOURS,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import NORMS, file_stem, shortened
from gnomon.sets import InputSet

_TRIED = 100
_SHOWN = 5


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether one example is a picture: one or three channels × height × width."""
    return len(shape) == 3 and shape[0] in {1, 3}


def examples_of_classes(data: Dataset) -> Picture:
    """The first test example of each class, of at most twenty classes."""
    labels = data.test.labels
    present = [label for label in range(data.classes) if bool((labels == label).any())][:20]
    columns = min(5, len(present))
    rows = -(-len(present) // columns)
    with house_style():
        figure = new_figure(0.2 + 1.05 * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, label in zip(grid.flat, present, strict=False):
            first = int((labels == label).nonzero()[0, 0])
            _show(axes, _pixels(data.test.inputs[first], data))
            axes.set_title(shortened(data.class_names[label], 14), fontsize=7.5, pad=2)
    return Picture(
        key="data",
        topic="Data",
        title=data.title,
        figure=figure,
        caption=f"The first test example of {len(present)} of the {data.classes} classes.",
        alt=f"{len(present)} small pictures, one of each class, titled with its name.",
        definition="data",
    )


def gallery(subject: Subject, within: InputSet, generator: torch.Generator) -> Picture:
    """Examples that PGD fools within the set: original, perturbation (enlarged), perturbed."""
    found = _attack(subject, subject.fit(within), generator)
    with house_style():
        figure = new_figure(0.3 + 1.35 * max(len(found.labels), 1))
        grid = figure.subplots(max(len(found.labels), 1), 3, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for row, (original, perturbed) in enumerate(
            zip(found.originals, found.perturbed, strict=True)
        ):
            _show(grid[row, 0], _pixels(original, subject.data))
            _show(grid[row, 1], _change(perturbed - original))
            _show(grid[row, 2], _pixels(perturbed, subject.data))
            _name_row(grid[row], subject, int(found.labels[row]), int(found.answers[row]))
    return Picture(
        key=f"gallery-{file_stem(subject.name)}-{file_stem(str(within))}",
        topic="Perturbed inputs",
        title=f"What PGD adds to the inputs of {subject.name}",
        figure=figure,
        caption=_caption(subject, within, found),
        alt=f"{len(found.labels)} rows of three pictures: an example, the perturbation in "
        "enlarged contrast, and their sum, with the class that the network gives.",
        definition="pgd",
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """What the attack found: the shown examples, and counts over all that were tried."""

    originals: Float[Tensor, " shown channels height width"]
    perturbed: Float[Tensor, " shown channels height width"]
    labels: Tensor
    answers: Tensor
    tried: int
    fooled: int


def _attack(subject: Subject, within: InputSet, generator: torch.Generator) -> _Found:
    """Attacks the first hundred right examples; shows fooled ones of different classes."""
    right = predict(subject.network, subject.inputs) == subject.labels
    chosen = right.nonzero()[:_TRIED, 0]
    inputs, labels = subject.inputs[chosen], subject.labels[chosen]
    device = device_of(subject.network)
    outcome = subject.looking(PGD())(
        subject.network, inputs.to(device), labels.to(device), within, generator
    )
    perturbed, fooled = outcome.inputs.cpu(), outcome.fooled.cpu()
    seen: dict[int, int] = {}
    ranks: list[tuple[bool, int, int]] = []
    for index, label in enumerate(labels.tolist()):
        ranks.append((not bool(fooled[index]), seen.get(label, 0), index))
        seen[label] = seen.get(label, 0) + int(fooled[index])
    shown = [index for _, _, index in sorted(ranks)[:_SHOWN]]
    answers = predict(subject.network, perturbed[shown]) if shown else labels[:0]
    return _Found(
        inputs[shown], perturbed[shown], labels[shown], answers, len(labels), int(fooled.sum())
    )


def _caption(subject: Subject, within: InputSet, found: _Found) -> str:
    if not found.tried:
        return f"{subject.name} gets no example right, so that there is nothing to attack."
    start = f"PGD within {_radius_of(within)} fooled {subject.name} on"
    if not found.fooled:
        return (
            f"{start} none of {found.tried} examples that are right: the pictures on the right "
            "are the originals."
        )
    return (
        f"{start} {found.fooled} of {found.tried} examples that are right; compare left and "
        "right: the class changes, the picture hardly does (the middle shows the difference in "
        "enlarged contrast)."
    )


def _name_row(axes: NDArray[np.object_], subject: Subject, label: int, answer: int) -> None:
    names = [shortened(name, 20) for name in subject.data.class_names]
    axes[0].set_title(names[label], fontsize=8, pad=2)
    axes[1].set_title("difference", fontsize=8, pad=2)
    fooled = {"color": COLOURS[1], "weight": "bold"} if answer != label else {}
    axes[2].set_title(f"→ {names[answer]}", fontsize=8, pad=2, **fooled)


def _pixels(example: Tensor, data: Dataset) -> NDArray[np.float32]:
    """Height × width × 3; the ends of the domain, or of the example, become 0 and 1."""
    low, high = data.domain or (float(example.min()), float(example.max()) + 1e-9)
    scaled = ((example - low) / (high - low)).clamp(0, 1)
    return scaled.expand(3, -1, -1).permute(1, 2, 0).numpy()


def _change(perturbation: Tensor) -> NDArray[np.float32]:
    """Grey where nothing changes, brighter and darker in proportion to the largest change."""
    largest = perturbation.abs().max().clamp_min(1e-12)
    return (0.5 + 0.5 * perturbation / largest).expand(3, -1, -1).permute(1, 2, 0).numpy()


def _show(axes: Axes, pixels: NDArray[np.float32]) -> None:
    axes.imshow(pixels, interpolation="none", vmin=0, vmax=1)


def _radius_of(within: InputSet) -> str:
    """A set in words: "L∞ radius 0.00784"."""
    return f"{NORMS[within.norm]} radius {within.radius:.3g}"
