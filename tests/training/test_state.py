"""The part of the state that only float16 training has."""

from pathlib import Path

import torch
from torch import nn

from gnomon.training.checkpoint import read_checkpoint, save_checkpoint
from gnomon.training.progress import Progress
from gnomon.training.state import State


def fresh_state() -> State:
    """An affine network with its optimiser and a gradient scaler."""
    network = nn.Linear(2, 2)
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=3)
    return State(network, torch.optim.SGD(network.parameters(), lr=0.1), scaler, Progress("a"))


def test_the_gradient_scale_and_its_age_survive_a_checkpoint(tmp_path: Path) -> None:
    state = fresh_state()
    scaler = state.scaler
    assert scaler is not None
    for _ in range(4):  # doubles after three steps, and is one step old then
        scaler.scale(state.network(torch.ones(1, 2)).sum()).backward()
        scaler.step(state.optimizer)
        scaler.update()
    save_checkpoint(tmp_path / "c.safetensors", state.checkpoint())
    other = fresh_state()
    other.restore(read_checkpoint(tmp_path / "c.safetensors"))
    assert other.scaler is not None
    assert scaler.state_dict()["_growth_tracker"] == 1
    assert other.scaler.state_dict() == scaler.state_dict()
    assert other.scaler.get_scale() == 128.0
