"""What takes long to import is imported where it is used; no processor changes this list."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "accelerate", "matplotlib", "PIL", "pooch", "pyarrow", "scipy.optimize",
         "scipy.stats", "sklearn", "tensorboard", "typer")  # fmt: skip
ALLOWED = {
    "gnomon": (),
    "gnomon.errors": (),
    "gnomon.data": ("torch",),
    "gnomon.networks": ("torch",),
    "gnomon.sets": ("torch",),
    "gnomon.bounds": ("torch",),
    "gnomon.attacks": ("torch",),
    "gnomon.audit": ("torch",),
    "gnomon.training": ("torch", "accelerate", "pyarrow"),
    "gnomon.words": ("torch", "accelerate", "pyarrow"),
}
"""The packages that may be loaded, of those that take 0.1 s and more."""


@pytest.mark.parametrize("package", ALLOWED)
def test_nothing_heavy_is_imported_early(package: str) -> None:
    program = f"import sys, {package}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split()) & set(HEAVY)
    assert loaded == set(ALLOWED[package])
