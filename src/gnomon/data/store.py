"""Where data files are found: the folder given, else the user's cache, else the official address."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
