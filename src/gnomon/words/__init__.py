"""The words of a configuration or a command line, and the objects that they stand for."""

from gnomon.words.config import (
    data_source as data_source,
    experiment as experiment,
    input_set as input_set,
    parameter_set as parameter_set,
    read_config as read_config,
)
from gnomon.words.names import NAMES as NAMES
from gnomon.words.request import Request as Request, prepare as prepare
from gnomon.words.targets import (
    Target as Target,
    load_network as load_network,
    open_target as open_target,
)
