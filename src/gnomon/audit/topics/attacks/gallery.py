"""Pictures of the data, and of what an attack adds to them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.attacks import PGD
from gnomon.audit.report.selection import Examined, findings_of
from gnomon.audit.subject import Subject
from gnomon.data.dataset import Dataset
from gnomon.networks.predictions import device_of, predict
from gnomon.report.charts import COLOURS, Chart, Image, Panel, in_rows
from gnomon.report.picture import Picture
from gnomon.report.prose import NORMS, file_stem, shortened
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Domain, InputSet, Linf

_TRIED = 100
"""Number of correctly classified examples that are attacked."""
_SHOWN = 5
"""Largest number of examples that are shown."""
_BALLS: dict[str, type[Linf] | type[L2] | type[L1]] = {
    ball.norm: ball for ball in (Linf, L2, L1)
}


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether one example is a picture: one or three channels × height × width."""
    return len(shape) == 3 and shape[0] in {1, 3}


def thumbnail(example: Tensor, domain: Domain, title: str, accent: str = "") -> Panel:
    """A picture as a panel; the ends of the domain, or of the example, are black and white."""
    low, high = domain or (float(example.min()), float(example.max()) + 1e-9)
    scaled = ((example - low) / (high - low)).clamp(0, 1)
    return Panel([_image(scaled)], title=title, accent=accent, bare=True)


def examples_of_classes(data: Dataset) -> Picture:
    """The first test example of each class, of at most twenty classes."""
    labels, inputs = data.test.labels, data.test.inputs
    present = [label for label in range(data.classes) if bool((labels == label).any())][:20]
    panels = [
        thumbnail(
            inputs[int((labels == label).nonzero()[0, 0])],
            data.domain,
            shortened(data.class_names[label], 14),
        )
        for label in present
    ]
    rows = in_rows(panels, min(5, len(present)))
    return Picture(
        key="data",
        topic="Data",
        title=data.title,
        chart=Chart(rows, 0.2 + 1.05 * len(rows)),
        caption=f"The first test example of {len(present)} of the {data.classes} classes.",
        alt=f"{len(present)} small pictures, one of each class, titled with its name.",
        definition="data",
    )


def galleries(examined: Examined) -> list[Picture]:
    """What PGD adds, for each subject and norm, at the largest radius that was asked for."""
    pictures: list[Picture] = []
    for subject, audit in examined:
        if not is_image(subject.data.shape):
            continue
        largest: dict[str, float] = {}
        for _, finding in findings_of([(subject, audit)], "attacked_accuracy"):
            norm, radius = finding.details["norm"], finding.details["radius"]
            largest[norm] = max(radius, largest.get(norm, 0.0))
        pictures += [
            _gallery(
                subject,
                _BALLS[norm](radius, subject.data.domain),
                generator(audit.seed, "gallery"),
            )
            for norm, radius in largest.items()
        ]
    return pictures


def _gallery(subject: Subject, within: InputSet, draws: torch.Generator) -> Picture:
    """Examples that PGD fools within the set: original, perturbation (enlarged), perturbed."""
    attacked = _attack(subject, subject.fit(within), draws)
    rows = [
        _row(subject, original, perturbed, int(label), int(answer))
        for original, perturbed, label, answer in zip(
            attacked.originals,
            attacked.perturbed,
            attacked.labels,
            attacked.answers,
            strict=True,
        )
    ]
    return Picture(
        key=f"gallery-{file_stem(subject.name)}-{file_stem(str(within))}",
        topic="Perturbed inputs",
        title=f"What PGD adds to the inputs of {subject.name}",
        chart=Chart(rows or [[None]], 0.3 + 1.35 * max(len(rows), 1)),
        caption=_caption(subject, within, attacked),
        alt=f"{len(rows)} rows of three pictures: an example, the perturbation in "
        "enlarged contrast, and their sum, with the class that the network gives.",
        definition="pgd",
    )


def _row(
    subject: Subject, original: Tensor, perturbed: Tensor, label: int, answer: int
) -> list[Panel]:
    names, domain = subject.data.class_names, subject.data.domain
    change = perturbed - original
    # Grey where nothing changes, brighter and darker in proportion to the largest change.
    contrast = 0.5 + 0.5 * change / change.abs().max().clamp_min(1e-12)
    accent = "" if answer == label else COLOURS[1]
    return [
        thumbnail(original, domain, shortened(names[label], 20)),
        Panel([_image(contrast)], title="difference", bare=True),
        thumbnail(perturbed, domain, f"→ {shortened(names[answer], 20)}", accent),
    ]


def _image(example: Tensor) -> Image:
    return Image(example.expand(3, -1, -1).permute(1, 2, 0).numpy())


@dataclass(frozen=True, eq=False)
class _Attacked:
    """Examples that are shown, and counts over all that were attacked."""

    originals: Float[Tensor, " shown channels height width"]
    perturbed: Float[Tensor, " shown channels height width"]
    labels: Tensor
    answers: Tensor
    tried: int
    fooled: int


def _attack(subject: Subject, within: InputSet, draws: torch.Generator) -> _Attacked:
    """Attacks the first hundred right examples; shows fooled ones of different classes."""
    right = predict(subject.network, subject.inputs) == subject.labels
    chosen = right.nonzero()[:_TRIED, 0]
    inputs, labels = subject.inputs[chosen], subject.labels[chosen]
    device = device_of(subject.network)
    outcome = subject.looking(PGD())(
        subject.network, inputs.to(device), labels.to(device), within, draws
    )
    perturbed, fooled = outcome.inputs.cpu(), outcome.fooled.cpu()
    seen: dict[int, int] = {}
    ranks: list[tuple[bool, int, int]] = []
    for index, label in enumerate(labels.tolist()):
        ranks.append((not bool(fooled[index]), seen.get(label, 0), index))
        seen[label] = seen.get(label, 0) + int(fooled[index])
    shown = [index for _, _, index in sorted(ranks)[:_SHOWN]]
    answers = predict(subject.network, perturbed[shown]) if shown else labels[:0]
    return _Attacked(
        inputs[shown], perturbed[shown], labels[shown], answers, len(labels), int(fooled.sum())
    )


def _caption(subject: Subject, within: InputSet, attacked: _Attacked) -> str:
    if not attacked.tried:
        return f"{subject.name} gets no example right, so that there is nothing to attack."
    start = f"PGD within {_radius_of(within)} fooled {subject.name} on"
    if not attacked.fooled:
        return (
            f"{start} none of {attacked.tried} examples that are right: the pictures on the "
            "right are the originals."
        )
    return (
        f"{start} {attacked.fooled} of {attacked.tried} examples that are right; compare left "
        "and right: the class changes, the picture hardly does (the middle shows the "
        "difference in enlarged contrast)."
    )


def _radius_of(within: InputSet) -> str:
    """The set in words: "L∞ radius 0.00784"."""
    return f"{NORMS[within.norm]} radius {within.radius:.3g}"
