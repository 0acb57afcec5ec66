"""How long `gnomon --help` takes, beside importing torch and beside an empty interpreter.

The promise: under 0.4 s. Run: python benchmarks/help.py
"""

import statistics
import subprocess
import sys
import time

ROUNDS = 9
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "gnomon --help": [sys.executable, "-m", "gnomon", "--help"],
    "import gnomon": [sys.executable, "-c", "import gnomon"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def main() -> None:
    """Interleaves the commands, so that a noisy machine is noisy for all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            begun = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        ratio = median / medians["import torch"]
        print(f"{name:16s} median {median:.3f} s   {ratio:.2f} × import torch")
    verdict = "kept" if medians["gnomon --help"] < 0.4 else "MISSED"
    print(f"gnomon --help under 0.4 s: {verdict}")


if __name__ == "__main__":
    main()
