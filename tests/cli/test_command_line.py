"""The command line as a user meets it, with its exit status.

Each command runs once at least in a process of its own; where that is not the point, here.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gnomon.audit import read_json
from gnomon.cli.main import app
from reference.command_line import gnomon, gnomon_here, refused

CONFIG = """
seed = 0
[data]
name = "spiral"
points = 150
entanglement = 4.0
[network]
architecture = "mlp"
hidden = [24, 24]
activation = "tanh"
[training]
epochs = 4
batch_size = 32
learning_rate = 1e-2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration and the run it leads to."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "config.toml").write_text(CONFIG)
    (folder / "broken.py").write_text("def make(:\n")
    (folder / "cnn.toml").write_text('data = "spiral"\nnetwork.architecture = "cnn4"\n')
    (folder / "file.toml").write_text('data = "none.npz"\nnetwork.architecture = "mlp"\n')
    result = gnomon("train", "config.toml", "-o", "run", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_help_names_every_command_without_loading_torch(tmp_path: Path) -> None:
    result = gnomon("--help", cwd=tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0
    for command in ("train", "audit", "study", "compare", "demo", "range-test"):
        assert command in result.stdout
    assert "| torch" not in result.stderr
    assert "typer" in result.stderr  # the profile was there to be read


def test_version(tmp_path: Path) -> None:
    assert gnomon("--version", cwd=tmp_path).stdout == "gnomon 0.1.0\n"


def test_training_leaves_a_run_folder(folder: Path) -> None:
    names = {item.name for item in (folder / "run").iterdir()}
    assert {"config.toml", "run.json", "model.safetensors", "model.toml"} <= names
    assert {"history.parquet", "events", "checkpoints"} <= names
    assert json.loads((folder / "run" / "run.json").read_text())["status"] == "finished"


def test_training_again_changes_nothing_and_says_so(folder: Path) -> None:
    before = (folder / "run" / "model.safetensors").stat().st_mtime_ns
    result = gnomon_here("train", "config.toml", "-o", "run", cwd=folder)
    assert result.returncode == 0
    assert "finished already" in result.stderr
    assert (folder / "run" / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.slow
def test_settings_on_the_command_line_are_those_of_the_file(folder: Path) -> None:
    changed = CONFIG.replace("epochs = 4", "epochs = 2").replace('"tanh"', '"relu"')
    (folder / "changed.toml").write_text(changed)
    assert gnomon("train", "changed.toml", "-o", "file", cwd=folder).returncode == 0
    result = gnomon(
        *("train", "config.toml", "-o", "line"),
        *("--set", "training.epochs=2", "--set", "network.activation=relu"),
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    first, second = (folder / name / "model.safetensors" for name in ("file", "line"))
    assert first.read_bytes() == second.read_bytes()


def test_an_audit_writes_report_json_and_figures(folder: Path) -> None:
    result = gnomon("audit", "run", "--inputs", "linf:0.5", "-o", "report", cwd=folder)
    assert result.returncode == 0, result.stderr
    audit = read_json(folder / "report" / "audit.json")
    titles = [finding.title for finding in audit.findings]
    assert "clean_accuracy" in titles
    assert "attacked_accuracy[linf:0.5]" in titles
    assert all(title in result.stdout for title in titles)
    assert (folder / "report" / "report.html").stat().st_size > 10_000
    endings = {item.suffix for item in (folder / "report" / "figures").iterdir()}
    assert endings == {".svg", ".png"}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_audit(folder: Path) -> None:
    for name in ("one", "two"):
        command = ("audit", "run", "--inputs", "l2:1", "--samples", "40", "-o", name)
        assert gnomon_here(*command, cwd=folder).returncode == 0
    first, second = (folder / name / "audit.json" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_a_requirement_decides_the_exit_status(folder: Path) -> None:
    command = ("audit", "run", "--probes", "accuracy", "-o", "gate", "--require")
    assert gnomon_here(*command, "clean_accuracy >= 0.1", cwd=folder).returncode == 0
    failing = gnomon_here(*command, "clean_accuracy > 1", cwd=folder)
    assert failing.returncode == 3
    assert "clean_accuracy > 1" in failing.stdout + failing.stderr
    assert (folder / "gate" / "report.html").exists()


@pytest.mark.slow
def test_a_factory_with_weights_can_be_audited(folder: Path) -> None:
    (folder / "zoo.py").write_text(
        "import gnomon as gn\n"
        "def make():\n"
        "    signature = gn.Signature((2,), 2, (0.0, 0.0), (1.0, 1.0))\n"
        "    network = gn.networks.MLP(hidden=(24, 24), activation=gn.activations.Tanh())\n"
        "    return network(signature, gn.generator(1))\n"
    )
    result = gnomon(
        *("audit", "zoo:make", "--weights", "run/model.safetensors", "--data", "spiral"),
        *("--set", "data.points=150", "--set", "data.entanglement=4.0"),
        *("--probes", "accuracy", "-o", "factory"),
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    run = gnomon("audit", "run", "--probes", "accuracy", "-o", "again", cwd=folder)
    assert result.stdout == run.stdout


def test_the_range_test_suggests_a_rate(folder: Path) -> None:
    result = gnomon("range-test", "config.toml", "-o", "range", cwd=folder)
    assert result.returncode == 0, result.stderr
    curve = json.loads((folder / "range" / "learning-rate.json").read_text())
    assert 1e-5 < curve["suggestion"] < 1
    assert f"{curve['suggestion']:.2g}" in result.stdout
    assert (folder / "range" / "learning-rate.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "missing.toml"], "missing.toml: expected a readable TOML file"),
        (["train", "config.toml", "--set", "training.epoch=3"], "Did you mean 'epochs'?"),
        (["train", "config.toml", "--set", "training.epochs=many"], "expected an integer"),
        (["train", "config.toml", "--set", "training"], "expected KEY=VALUE"),
        (["train", "config.toml", "--set", "network.activation=rely"], "Did you mean 'relu'?"),
        (["train", "config.toml", "--set", "data.name=spirale"], "Did you mean 'spiral'?"),
        (["train", "config.toml", "--set", "data.phi_min=-1.0"], "phi_min"),
        (["train", "cnn.toml"], "expected images"),
        (["train", "config.toml", "-o", "run", "--set", "seed=5"], "seed"),
        (["train", "config.toml", "--device", "gpu"], "Known: auto, cpu, cuda"),
        (["train", "file.toml"], "none.npz"),
        (["audit", "nowhere"], "expected a run folder"),
        (["audit", "."], "expected the folder of a run"),
        (["audit", "run", "--inputs", "linf"], "expected linf:RADIUS"),
        (["audit", "run", "--inputs", "lint:0.1"], "Did you mean 'linf'?"),
        (["audit", "run", "--inputs", "linf:-1"], "expected a finite radius"),
        (["audit", "run", "--probes", "acuracy"], "Did you mean 'accuracy'?"),
        (["audit", "run", "--require", "clean_acuracy > 0"], "Did you mean 'clean_accuracy'?"),
        (["audit", "run", "--require", "clean_accuracy"], "NAME RELATION NUMBER"),
        (["audit", "run", "--samples", "0"], "samples"),
        (["audit", "run", "--data", "digits"], "inputs of shape (1, 8, 8)"),
        (["audit", "run", "--weights", "x.safetensors"], "Leave --weights out"),
        (["audit", "no_module:make", "--data", "spiral"], "expected an importable module"),
        (["audit", "run", "--set", "training.epochs=3"], "expected keys of the table data"),
        (["audit", "broken:make", "--data", "spiral"], "SyntaxError"),
        (["audit", "os:kill", "--data", "spiral"], "a call without arguments, got TypeError"),
        (["audit", "os:getcwd", "--data", "spiral"], "returns a torch.nn.Module"),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_2(
    folder: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {item: item.stat().st_mtime_ns for item in (folder / "run").rglob("*.*")}
    if arguments[0] == "train" and "-o" not in arguments:
        arguments = [*arguments, "-o", "refused"]
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(app, arguments)
    assert message in refused(result.exit_code, result.stderr)
    assert not (folder / "refused" / "model.safetensors").exists()
    assert {item: item.stat().st_mtime_ns for item in (folder / "run").rglob("*.*")} == before


def test_debug_shows_where_it_happened(folder: Path) -> None:
    result = gnomon("audit", "nowhere", "--debug", cwd=folder)
    assert result.returncode != 0
    assert "Traceback" in result.stderr
    assert "SubjectError" in result.stderr


def test_a_wrong_flag_is_refused_by_name(folder: Path) -> None:
    result = gnomon("audit", "run", "--input", "linf:0.1", cwd=folder)
    assert result.returncode == 2
    assert "--inputs" in result.stderr


@pytest.mark.parametrize("damage", ["truncated", "missing", "of another architecture"])
def test_damaged_weights_of_a_run_are_refused(
    folder: Path, tmp_path: Path, damage: str
) -> None:
    subprocess.run(["cp", "-r", folder / "run", tmp_path / "run"], check=True)
    weights = tmp_path / "run" / "model.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        text = (tmp_path / "run" / "model.toml").read_text()
        (tmp_path / "run" / "model.toml").write_text(text.replace("24", "25"))
    result = gnomon_here("audit", "run", cwd=tmp_path)
    assert "model.safetensors" in refused(result.returncode, result.stderr)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_done_and_the_same_command_goes_on(folder: Path) -> None:
    long = ["--set", "training.epochs=80", "--set", "data.points=600"]
    command = [sys.executable, "-m", "gnomon", "train", "config.toml", "-o", "long", *long]
    # A process started in the background of a shell ignores Ctrl-C, and so would its children.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, previous)
    history = folder / "long" / "history.parquet"
    while not history.exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Traceback" not in errors
    assert "gnomon: interrupted" in errors
    assert json.loads((folder / "long" / "run.json").read_text())["status"] == "interrupted"
    done = json.loads((folder / "long" / "run.json").read_text())["epochs_done"]
    assert 0 < done < 80
    again = gnomon("train", "config.toml", "-o", "long", *long, cwd=folder)
    assert again.returncode == 0, again.stderr
    assert f"resumed after epoch {done}" in again.stderr
    assert json.loads((folder / "long" / "run.json").read_text())["epochs_done"] == 80


@pytest.mark.slow
def test_the_demo_compares_two_networks(tmp_path: Path) -> None:
    result = gnomon("demo", "-o", "demo", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    for word in ("relu", "tanh", "spiral", "clean accuracy"):
        assert word in page.lower()
    for name in ("relu", "tanh"):
        audit = read_json(tmp_path / "demo" / f"audit-{name}.json")
        clean = next(item for item in audit.findings if item.name == "clean_accuracy")
        assert clean.value is not None
        assert clean.value > 0.97
