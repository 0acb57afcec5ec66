"""Sphinx settings: MyST sources, the Furo theme, the bibliography of the package itself."""

import pkgutil
import re
from importlib import import_module
from inspect import ismodule
from typing import Any

import gnomon
from gnomon.references import bibliography

project = "Gnomon"
author = "The Gnomon authors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name for it
version = release = gnomon.__version__

# The pages of a package show what it shows, which Sphinx looks for in __all__ alone.
for each in pkgutil.walk_packages(gnomon.__path__, "gnomon."):
    if each.ispkg and not hasattr(package := import_module(each.name), "__all__"):
        package.__all__ = [
            name
            for name, value in vars(package).items()
            if not name.startswith("_") and not ismodule(value)
        ]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Gnomon"
html_static_path = ["_static"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

bibtex_bibfiles = ["../src/gnomon/references.bib"]
bibtex_default_style = "plain"

autodoc_member_order = "bysource"
autodoc_typehints = (
    "none"  # the signature carries them; jaxtyping's shapes read badly elsewhere
)
autodoc_default_options = {"members": True, "exclude-members": "objective"}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # "batch *shape" would be read as emphasis

doctest_global_setup = """
import gnomon as gn
import numpy as np
import torch
from torch import nn
from gnomon.algebra import Interval, LinearRelaxation, Outward, enclose, evaluate
from gnomon.audit import Finding, clopper_pearson
from gnomon.bounds import CROWN, IBP, LargestRadius
from gnomon.errors import nearest
from gnomon.notation import Choice, Notation, is_own, own_name, without_none
from gnomon.objectives import margin
from gnomon.records import fingerprint
from gnomon.references import cite
from gnomon.report.charts import *
from gnomon.report.prose import *
from gnomon.representation import spectrum
from gnomon.seeds import derive, ensure, generator
from gnomon.sets import L1, L2, Linf
from gnomon.study.statistics import (
    holm,
    least_seeds,
    least_seeds_for_trend,
    student_interval,
)
from gnomon.training import Experiment, describe, fit
"""

# Nitpicky (-n): every cross-reference inside Gnomon must resolve. Types of other libraries
# cannot, since their inventories are on the network.
nitpick_ignore_regex = [
    (r"py:.*", r"(torch|jaxtyping|numpy|pathlib|collections|safetensors|accelerate|enum)\b.*"),
    (r"py:class", r"Tensor|ndarray|'.*'"),  # jaxtyping prints Float[Tensor, 'batch classes'] so
]


def adapt_to_sphinx(*event: Any) -> None:  # noqa: ANN401 - Sphinx's arguments, of which two are used
    """Turns keys of `references.bib` into citations, and keeps what reads as markup as text.

    The bars of |x| would name substitutions, the star of a pattern such as "*.weight" would
    begin an emphasis; a colon in the first line of an attribute's own docstring would end a
    type.
    """
    kind, lines = event[1], event[-1]
    keys = re.compile(rf"\b({'|'.join(bibliography())})\b")
    for index, line in enumerate(lines):
        if ">>>" not in line:
            parts = line.split("`")  # every second one is code
            parts[::2] = [part.replace("|", r"\|").replace('"*', r'"\*') for part in parts[::2]]
            lines[index] = keys.sub(r":cite:p:`\1`", "`".join(parts))
    if kind in {"attribute", "property"}:
        lines[:0] = ["..", ""]  # an empty comment


def setup(app: Any) -> None:  # noqa: ANN401 - Sphinx's application, untyped here
    """Connects the above, ahead of napoleon."""
    app.connect("autodoc-process-docstring", adapt_to_sphinx, priority=400)
