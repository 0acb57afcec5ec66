"""What a checkpoint keeps beside the tensors."""

from pathlib import Path

import torch
from torch import nn

from gnomon.training import SGD, Training
from gnomon.training.checkpoint import read_checkpoint, save_checkpoint
from gnomon.training.devices import accelerated
from gnomon.training.one import One
from gnomon.training.progress import Progress


def fresh() -> tuple[One, torch.amp.GradScaler]:
    """An affine network in training, and its gradient scaler."""
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=3)
    with accelerated("cpu", "float32") as accelerator:
        accelerator.scaler = scaler
        return One(nn.Linear(2, 2), Training(optimizer=SGD()), 0, accelerator), scaler


def test_the_gradient_scale_and_its_age_survive_a_checkpoint(tmp_path: Path) -> None:
    member, scaler = fresh()
    optimizer = torch.optim.SGD(member.network.parameters(), lr=0.1)
    for _ in range(4):  # doubles after three steps, and is one step old then
        scaler.scale(member.network(torch.ones(1, 2)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    checkpoint = member.checkpoint([Progress("a")], member.tensors(), {})
    save_checkpoint(tmp_path / "c.safetensors", checkpoint)
    other, its_scaler = fresh()
    other.load(read_checkpoint(tmp_path / "c.safetensors"))
    assert scaler.state_dict()["_growth_tracker"] == 1
    assert its_scaler.state_dict() == scaler.state_dict()
    assert its_scaler.get_scale() == 128.0
