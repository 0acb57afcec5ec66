"""Every public name can be used after `import gnomon as gn` alone."""

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parent.parent / "src"

PROGRAM = """
import dataclasses, importlib, inspect, pkgutil, sys, warnings

warnings.simplefilter("ignore")
failed, made = [], 0


def fresh():
    '''gnomon as a new interpreter finds it; other packages stay loaded, to save minutes.'''
    for name in [each for each in sys.modules if each.split(".")[0] == "gnomon"]:
        del sys.modules[name]
    return importlib.import_module("gnomon")


def use(value, name):
    '''Makes one of each class that needs no settings.'''
    global made
    if not (inspect.isclass(value) and dataclasses.is_dataclass(value)):
        return
    fields = [each for each in dataclasses.fields(value) if each.init]
    missing = dataclasses.MISSING
    if inspect.isabstract(value) or not all(
        each.default is not missing or each.default_factory is not missing for each in fields
    ):
        return
    try:
        value()
        made += 1
    except TypeError as error:
        if "abstract" not in str(error):
            failed.append(f"{name}(): {error}")
    except Exception as error:
        failed.append(f"{name}(): {error}")


gnomon = fresh()
names = list(gnomon.__all__)
folders = [each.name for each in pkgutil.iter_modules(gnomon.__path__) if each.ispkg]
for name in names:
    if not name.islower():
        use(getattr(gnomon, name), name)
for folder in folders:
    if folder == "cli":
        continue
    try:
        package = getattr(fresh(), folder)
        public = [(name, getattr(package, name)) for name in dir(package) if name[0] != "_"]
    except AttributeError as error:
        failed.append(f"{folder}: {error}")
        continue
    for name, value in public:
        use(value, f"{folder}.{name}")
print(made, *failed, sep="\\n")
"""


def test_packages_and_their_classes_need_no_further_import() -> None:
    """`gn.attacks.View()` failed unless something else had loaded the package before."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert not program.returncode, program.stderr
    made, *failed = program.stdout.split("\n")[:-1]
    assert not failed
    assert int(made) > 50  # otherwise this says little
