"""Two processes that `torchrun` started train as one would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gnomon.training import RunFolder, read_history
from reference.parallel_run import BOUNDED, EXPERIMENTS
from reference.small_experiments import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of two processes."""
    path = tmp_path_factory.mktemp("parallel")
    script = Path(__file__).parents[1] / "reference" / "parallel_run.py"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OMP_NUM_THREADS": "1",
    }
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *command, str(script), str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["uneven", "single", *BOUNDED])
def test_two_processes_give_what_one_gives(name: str, folder: Path, tmp_path: Path) -> None:
    alone = run(EXPERIMENTS[name], tmp_path)
    together = load_file(RunFolder(folder / name).model)
    for key, tensor in alone.network.state_dict().items():
        # Sums of 16 gradients in another order, over 18 steps: a few float32 roundings each.
        torch.testing.assert_close(together[key], tensor, rtol=0, atol=2e-6)
    for there, here in zip(
        read_history(folder / name / "history.parquet"), alone.history, strict=True
    ):
        assert there.step == here.step
        assert there.train_loss == pytest.approx(here.train_loss, abs=2e-6)
        assert there.train_accuracy == pytest.approx(here.train_accuracy)
        assert there.validation_loss == pytest.approx(here.validation_loss, abs=2e-6)
        assert there.validation_accuracy == pytest.approx(here.validation_accuracy)
        assert there.gradient_norm == pytest.approx(here.gradient_norm, abs=2e-5)


@pytest.mark.slow
def test_a_random_network_with_running_statistics_trains_in_two_processes(folder: Path) -> None:
    facts = RunFolder(folder / "random").read_facts()
    assert facts is not None
    assert (facts.status, facts.epochs_done) == ("finished", 2)


@pytest.mark.slow
def test_two_processes_attack_inputs_and_weights_each_on_its_own_share(
    folder: Path, tmp_path: Path
) -> None:
    """Each draws its own starts and moves the weights by its own gradient, by as much."""
    alone = run(EXPERIMENTS["at_awp"], tmp_path)
    together = read_history(folder / "at_awp" / "history.parquet")
    for there, here in zip(together, alone.history, strict=True):
        assert there.train_loss != here.train_loss
        assert there.train_loss == pytest.approx(here.train_loss, rel=0.05)
