"""A network of one's own is trained in one call, or in a loop of one's own."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from gnomon.errors import DivergedError, SettingError, SubjectError
from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.training import (
    SGD,
    TRADES,
    EarlyStopping,
    FreeTraining,
    Loss,
    PGDTraining,
    Standard,
    Training,
    fit,
)
from gnomon.training.fit import _check_module  # pyright: ignore[reportPrivateUsage]
from gnomon.training.method import Batch, InOwnLoop
from reference.small_experiments import clouds

DATA = clouds(90, 0)
PAIR = (DATA.inputs, DATA.labels)


class Own(nn.Module):
    """A network that is no sequence, with a statistic and a frozen part."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 8), nn.Linear(8, 3)
        self.norm = nn.BatchNorm1d(8)
        source = generator(0, "own")
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(0.5 * torch.randn(parameter.shape, generator=source))
        self.first.weight.requires_grad = False

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.norm(self.first(x))) ** 2)


def _state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def test_the_network_itself_learns_and_keeps_its_mode_and_what_is_frozen() -> None:
    network = Own().eval()
    before = _state(network)
    fitted = fit(network, PAIR, epochs=30, batch_size=16, learning_rate=0.02)
    assert fitted.network is network
    assert not network.training
    assert not network.first.weight.requires_grad
    changed = {name for name, value in _state(network).items() if not value.equal(before[name])}
    assert "first.weight" not in changed
    assert {"second.weight", "norm.running_mean"} <= changed
    assert fitted.history[-1].train_loss < fitted.history[0].train_loss
    assert len(fitted.history) == 30


def test_tensors_loaders_and_folders_train_the_same_bits(tmp_path: Path) -> None:
    plain, loaded, kept = Own(), Own(), Own()
    fit(plain, PAIR, epochs=3, batch_size=20)
    shuffled = DataLoader(TensorDataset(*PAIR), batch_size=7, shuffle=True, drop_last=True)
    fit(loaded, shuffled, epochs=3, batch_size=20)
    run = fit(kept, PAIR, epochs=3, batch_size=20, path=tmp_path / "run")
    assert _equal(plain, loaded)
    assert _equal(plain, kept)
    assert run.folder is not None
    assert run.folder.model.exists()
    assert [row.train_loss for row in run.history] == [row.train_loss for row in run.history]


def test_a_finished_run_is_found_again(tmp_path: Path) -> None:
    first, again = Own(), Own()
    fit(first, PAIR, epochs=2, path=tmp_path)
    fit(again, PAIR, epochs=2, path=tmp_path)
    assert _equal(first, again)


def test_nothing_global_is_drawn_from_or_changed() -> None:
    one, other = Own(), Own()
    state = torch.get_rng_state()
    fit(one, PAIR, epochs=1, method=PGDTraining(Linf(0.1)))
    assert torch.equal(state, torch.get_rng_state())
    torch.randn(3)
    fit(other, PAIR, epochs=1, method=PGDTraining(Linf(0.1)))
    assert _equal(one, other)


def test_validation_decides_when_it_is_given() -> None:
    held = clouds(30, 1)
    settings = Training(early_stopping=EarlyStopping(patience=1))
    fitted = fit(
        Own(), PAIR, validation=(held.inputs, held.labels), epochs=40, settings=settings
    )
    assert fitted.history[0].validation_loss is not None
    assert fitted.facts.best_epoch is not None
    with pytest.raises(SettingError, match="expected validation data to watch"):
        fit(Own(), PAIR, settings=settings)


def test_after_a_divergence_the_network_is_as_it_was_last_good() -> None:
    network = Own()
    before = _state(network)
    settings = Training(optimizer=SGD(), learning_rate=1e35)
    with pytest.raises(DivergedError, match="kept in the network"):
        fit(network, PAIR, epochs=3, batch_size=8, settings=settings)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("network", "data", "message"),
    [
        (nn.Linear(5, 3), PAIR, "takes inputs of shape \\(2,\\)"),
        (nn.Linear(2, 2), PAIR, "expected"),
    ],
)
def test_what_does_not_fit_is_refused(network: nn.Module, data: object, message: str) -> None:
    with pytest.raises(SubjectError, match=message):
        fit(network, data, epochs=1)


def test_a_function_is_no_network() -> None:
    with pytest.raises(SubjectError, match=r"expected a torch\.nn\.Module, got function"):
        _check_module(lambda x: x)


@pytest.mark.parametrize("method", [Standard(), PGDTraining(Linf(0.1)), TRADES(Linf(0.1))])
def test_a_method_in_ones_own_loop_is_its_loss(method: InOwnLoop) -> None:
    network, batch = Own(), Batch(*PAIR)
    losses = method(network, *PAIR, generator(3))
    expected = method.loss(copy.deepcopy(Own()), batch, generator(3))
    assert isinstance(expected, Loss)
    assert losses.shape == (90,)
    torch.testing.assert_close(losses, expected.values, rtol=0, atol=0)
    losses.mean().backward()
    assert network.second.weight.grad is not None


def test_without_a_generator_each_step_has_its_own_draws() -> None:
    method, network = PGDTraining(Linf(0.2)), Own()
    frozen = network.norm.eval()  # so that only the draws differ
    first, again = (method(network, *PAIR) for _ in range(2))
    assert torch.equal(first, again)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    first.mean().backward()
    optimizer.step()
    assert frozen is network.norm
    assert not torch.equal(first, method(network, *PAIR))


def test_free_training_called_by_itself_is_the_plain_loss() -> None:
    losses = FreeTraining(Linf(0.1))(Own(), *PAIR)
    torch.testing.assert_close(losses, Standard()(Own(), *PAIR))
