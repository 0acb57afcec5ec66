"""Engines, which run the tasks of a study: in this process, or on a Ray cluster."""

from gnomon.study.engines.engine import Engine as Engine
from gnomon.study.engines.inline import Inline as Inline
from gnomon.study.engines.ray import RayEngine as RayEngine
