"""Crops and flips against cutting and mirroring image by image, and in both loops."""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from gnomon.errors import SettingError, ShapeError
from gnomon.networks import MLP
from gnomon.seeds import generator
from gnomon.training import (
    SGD,
    Augmentation,
    Batch,
    CropAndFlip,
    Experiment,
    Loss,
    Run,
    Standard,
    Training,
)
from gnomon.training.epoch import shuffled, split_batches
from gnomon.training.replicas.draws import DrawsForEach
from gnomon.words.config import experiment
from reference.groups import Pictures, alone, of_pictures, together
from reference.small_experiments import Stopped, StopsAfter, data_of, run


def possible(image: Tensor, padding: int, *, flip: bool) -> list[Tensor]:
    """All windows of the image's size in the image with a border, and their mirror images."""
    channels, height, width = image.shape
    whole = torch.zeros(channels, height + 2 * padding, width + 2 * padding)
    whole[:, padding : padding + height, padding : padding + width] = image
    shifts = range(2 * padding + 1)
    windows = [whole[:, s : s + height, t : t + width] for s, t in product(shifts, shifts)]
    return [*windows, *(each.flip(2) for each in windows)] if flip else windows


@pytest.mark.parametrize(
    "method", [CropAndFlip(0), CropAndFlip(1), CropAndFlip(2), CropAndFlip(2, flip=False)]
)
def test_every_window_is_taken_equally_often_and_nothing_else(method: CropAndFlip) -> None:
    image = torch.rand(2, 3, 4, generator=generator(0)) + 1
    found = method(image.expand(8000, -1, -1, -1), generator(1))
    windows = possible(image, method.padding, flip=method.flip)
    counts = torch.stack([(found == each).flatten(1).all(1).sum() for each in windows])
    assert counts.sum() == 8000
    share = 1 / len(windows)
    # Five standard errors of a share of 8000.
    assert (counts / 8000 - share).abs().max() <= 5 * (share * (1 - share) / 8000) ** 0.5


def test_each_image_is_moved_by_itself_and_is_one_of_its_own_windows() -> None:
    images = torch.rand(50, 3, 6, 5, generator=generator(0))
    found = CropAndFlip(padding=2)(images, generator(1))
    places: set[int] = set()
    for image, moved in zip(images, found, strict=True):
        same = [torch.equal(each, moved) for each in possible(image, 2, flip=True)]
        places.add(same.index(True))
    assert len(places) > 20
    again = CropAndFlip(padding=2)(images, generator(1))
    assert torch.equal(found, again)
    assert not torch.equal(found, CropAndFlip(padding=2)(images, generator(2)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_type_and_memory_format_stay(dtype: torch.dtype, layout: torch.memory_format) -> None:
    plain = torch.rand(5, 3, 8, 6, generator=generator(0)).to(dtype)
    images = plain.to(memory_format=layout)
    found = CropAndFlip()(images, generator(1))
    assert found.dtype == dtype
    assert found.stride() == images.stride()
    assert torch.equal(found, CropAndFlip()(plain, generator(1)))
    assert torch.equal(images, plain), "the given images were changed"


def test_many_networks_see_what_each_would_see_alone() -> None:
    images = torch.rand(3, 7, 2, 5, 5, generator=generator(0))
    method: Augmentation = CropAndFlip(padding=3)
    draws = DrawsForEach([generator(seed) for seed in range(3)])
    with draws:
        together = method(images.flatten(0, 1), draws.token)
    alone = [method(part, generator(seed)) for seed, part in enumerate(images)]
    assert torch.equal(together, torch.cat(alone))


def test_a_share_without_examples_stays_empty() -> None:
    assert CropAndFlip()(torch.zeros(0, 3, 8, 8), generator(0)).shape == (0, 3, 8, 8)


def test_only_images_are_moved() -> None:
    with pytest.raises(ShapeError, match=r"expected images .* got inputs of shape \(4, 2\)"):
        CropAndFlip()(torch.zeros(4, 2), generator(0))
    with pytest.raises(SettingError, match="padding: expected 0 or more"):
        CropAndFlip(padding=-1)


@dataclass(frozen=True)
class Witness:
    """The cross-entropy; it notes the inputs of every step."""

    noted: list[Tensor]
    replays: int = 2

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        self.noted.append(batch.inputs)
        return Standard().loss(network, batch, generator)


def moving(method: Standard | Witness | None = None, epochs: int = 2) -> Experiment:
    """41 pictures in batches of 16, 16 and 9, moved by up to 2 pixels."""
    training = Training(
        method=method or Standard(),
        epochs=epochs,
        batch_size=16,
        optimizer=SGD(),
        augmentation=CropAndFlip(padding=2),
    )
    return Experiment(data=Pictures(), network=MLP(hidden=(8,)), training=training)


def test_each_epoch_moves_the_examples_anew_and_each_batch_once(tmp_path: Path) -> None:
    witness = Witness([])
    run(moving(witness), tmp_path / "run")
    split = data_of(moving()).train
    for number in (1, 2):
        draws = generator(0, "augmentation", number, 0)
        for index, chosen in enumerate(split_batches(shuffled(41, 0, number), 16)):
            expected = CropAndFlip(padding=2)(split.inputs[chosen], draws)
            for step in (0, 1):
                noted = witness.noted[(number - 1) * 6 + 2 * index + step]
                assert torch.equal(noted, expected)


def test_a_training_that_was_stopped_goes_on_with_the_same_crops(tmp_path: Path) -> None:
    whole = run(moving(epochs=3), tmp_path / "whole")
    with pytest.raises(Stopped):
        run(moving(epochs=3), tmp_path / "stopped", StopsAfter(2, 2))
    resumed = run(moving(epochs=3), tmp_path / "stopped")
    assert resumed.epochs_trained < 3
    found, expected = (load_file(each.folder.model) for each in (resumed, whole))
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    still = replace(moving(epochs=3).training, augmentation=None)
    other = load_file(run(replace(moving(), training=still), tmp_path / "still").folder.model)
    assert not torch.equal(other["linear1.weight"], expected["linear1.weight"])


def test_a_group_trains_on_the_crops_that_each_sees_alone(tmp_path: Path) -> None:
    experiments = of_pictures(moving().training, MLP(hidden=(8,)))
    group, single = together(experiments, tmp_path), alone(experiments, tmp_path)
    for one, other in zip(group, single, strict=True):
        assert isinstance(one, Run)
        assert isinstance(other, Run)
        found, expected = (load_file(each.folder.model) for each in (one, other))
        # Six steps in float32, each with an error of some multiples of 6e-8.
        assert all(torch.allclose(found[n], expected[n], atol=1e-5) for n in expected)


def test_it_is_named_in_a_configuration() -> None:
    def read(augmentation: object) -> Augmentation | None:
        table = {"augmentation": augmentation} if augmentation else {}
        config = {"data": {"name": "cifar10"}, "network": {"architecture": "cnn4"}}
        return experiment({**config, "training": table}).training.augmentation

    assert read(None) is None
    assert read("crop_and_flip") == CropAndFlip()
    table = {"name": "crop_and_flip", "padding": 2, "flip": False}
    assert read(table) == CropAndFlip(2, flip=False)
