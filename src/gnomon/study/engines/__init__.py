"""Engines, which run the tasks of a study: in this process, or on a Ray cluster."""

from gnomon.study.engines.engine import Engine
from gnomon.study.engines.inline import Inline
from gnomon.study.engines.ray import RayEngine

__all__ = ["Engine", "Inline", "RayEngine"]
