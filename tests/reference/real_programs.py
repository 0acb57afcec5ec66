"""Functions of one number, as programs compute them, and with more digits.

Each row is a function of the libraries' tables as a network may call it; its truth is computed
in float64 from formulas without cancellation, to a relative 2⁻⁴⁰ or better, which is nothing
beside the errors of float32.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from scipy import special
from torch import Tensor
from torch.nn import functional

from gnomon.activations import Evaluation, Softplus
from gnomon.algebra.profiles import PROFILES

Function = Callable[[Any], Any]
Node = tuple[str, str, str, dict[str, Any]]
"""Of an ONNX graph: operator, inputs with blanks between, output, attributes."""
TRUTH_MISSES = 2.0**-40
"""Relative: units of float64 in a few operations, times x² for the tail of Φ."""
SLOPE = float(torch.tensor(0.3))
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848, 1.0507009873554804935


@dataclass(frozen=True)
class Row:
    """A function: in PyTorch, as the tables have it, exactly, and in ONNX.

    Attributes:
        function: of PyTorch.
        truth: of numbers in float64.
        called: by which name, and with which settings, the tables know it.
        nodes: of an ONNX graph from "x" to "y".
        least: its smallest argument.
    """

    function: Function
    truth: Callable[[Tensor], Tensor]
    called: Evaluation
    nodes: tuple[Node, ...] = ()
    least: float = -math.inf


def _node(
    operator: str, inputs: str = "x", output: str = "y", **attributes: float | str
) -> Node:
    return (operator, inputs, output, attributes)


def _softplus(x: Tensor) -> Tensor:
    return x.clamp_min(0) + torch.log1p(torch.exp(-x.abs()))


def _expm1(x: Tensor, alpha: float = 1.0, inner: float = 1.0) -> Tensor:
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp_max(0) / inner))


def _by_tanh(x: Tensor) -> Tensor:
    return x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


def _normal(x: Tensor) -> Tensor:
    return torch.from_numpy(special.ndtr(x.numpy()))


def _tanhshrink(x: Tensor) -> Tensor:
    """By the series where x and tanh(x) cancel: the next term is below a relative 2⁻⁴⁰."""
    near = x**3 / 3 - 2 * x**5 / 15 + 17 * x**7 / 315 - 62 * x**9 / 2835
    return torch.where(x.abs() < 0.02, near, x - torch.tanh(x))


def _evaluation(name: str, *settings: float | str) -> Evaluation:
    """What is stated of how programs compute a torch function with these settings."""
    profile = PROFILES[name](*settings)
    assert profile is not None
    assert profile.evaluation is not None
    return profile.evaluation


CATALOGUED = Softplus(0.7)

ROWS: dict[str, Row] = {
    "exp": Row(torch.exp, torch.exp, _evaluation("exp"), (_node("Exp"),)),
    "tanh": Row(torch.tanh, torch.tanh, _evaluation("tanh"), (_node("Tanh"),)),
    "erf": Row(torch.erf, torch.erf, _evaluation("erf"), (_node("Erf"),)),
    "sigmoid": Row(torch.sigmoid, torch.sigmoid, _evaluation("sigmoid"), (_node("Sigmoid"),)),
    "silu": Row(
        functional.silu,
        lambda x: x * torch.sigmoid(x),
        _evaluation("silu"),
        (_node("Sigmoid", output="s"), _node("Mul", "x s")),
    ),
    "mish": Row(
        functional.mish,
        lambda x: x * torch.tanh(_softplus(x)),
        _evaluation("mish"),
        (_node("Mish"),),
    ),
    "gelu": Row(
        functional.gelu, lambda x: x * _normal(x), _evaluation("gelu"), (_node("Gelu"),)
    ),
    "gelu by tanh": Row(
        lambda v: functional.gelu(v, approximate="tanh"),
        _by_tanh,
        _evaluation("gelu", "tanh"),
        (_node("Gelu", approximate="tanh"),),
    ),
    "elu": Row(
        lambda v: functional.elu(v, 1.7),
        lambda x: _expm1(x, 1.7),
        _evaluation("elu", 1.7),
        (_node("Elu", alpha=1.7),),
    ),
    "celu": Row(
        lambda v: functional.celu(v, 0.3),
        lambda x: _expm1(x, 0.3, 0.3),
        _evaluation("celu", 0.3),
        (_node("Celu", alpha=0.3),),
    ),
    "selu": Row(
        functional.selu,
        lambda x: SELU_SCALE * _expm1(x, SELU_ALPHA),
        _evaluation("selu"),
        (_node("Selu"),),
    ),
    "softplus": Row(
        functional.softplus, _softplus, _evaluation("softplus"), (_node("Softplus"),)
    ),
    "softplus, beta 5": Row(
        lambda v: functional.softplus(v, 5.0),
        lambda x: _softplus(5 * x) / 5,
        _evaluation("softplus", 5.0),
    ),
    "softplus of the catalogue": Row(
        CATALOGUED,
        lambda x: _softplus(CATALOGUED.beta * x) / CATALOGUED.beta,
        CATALOGUED.profile().evaluation or Evaluation(""),
    ),
    "logsigmoid": Row(
        functional.logsigmoid,
        lambda x: -_softplus(-x),
        _evaluation("logsigmoid"),
        (_node("Sigmoid", output="s"), _node("Log", "s")),
    ),
    "softsign": Row(
        functional.softsign,
        lambda x: x / (1 + x.abs()),
        _evaluation("softsign"),
        (_node("Softsign"),),
    ),
    "tanhshrink": Row(
        functional.tanhshrink,
        _tanhshrink,
        _evaluation("tanhshrink"),
        (_node("Tanh", output="t"), _node("Sub", "x t")),
    ),
    "hardsigmoid": Row(
        functional.hardsigmoid,
        lambda x: (x + 3).clamp(0, 6) / 6,
        _evaluation("hardsigmoid"),
        (_node("HardSigmoid", alpha=1 / 6, beta=0.5),),
    ),
    "hardswish": Row(
        functional.hardswish,
        lambda x: x * ((x + 3).clamp(0, 6) / 6),
        _evaluation("hardswish"),
        (_node("HardSwish"),),
    ),
    "leaky relu": Row(
        lambda v: functional.leaky_relu(v, 0.3),
        lambda x: torch.where(x > 0, x, 0.3 * x),
        _evaluation("leaky_relu", 0.3),
        (_node("LeakyRelu", alpha=0.3),),
    ),
    "prelu": Row(
        lambda v: functional.prelu(v, torch.tensor([-0.3], dtype=v.dtype)),
        lambda x: torch.where(x > 0, x, -SLOPE * x),
        Evaluation("prelu"),
    ),
    "relu6": Row(functional.relu6, lambda x: x.clamp(0, 6), _evaluation("relu6")),
    "hardtanh": Row(
        lambda v: functional.hardtanh(v, -0.1, 0.3),
        lambda x: x.clamp(-0.1, 0.3),
        _evaluation("hardtanh"),
    ),
    "cube": Row(lambda v: v**3, lambda x: x**3, _evaluation("pow", 3)),
    "square": Row(torch.square, torch.square, _evaluation("square")),
    "reciprocal": Row(
        torch.reciprocal, torch.reciprocal, Evaluation("reciprocal"), (_node("Reciprocal"),)
    ),
    "log": Row(torch.log, torch.log, _evaluation("log"), (_node("Log"),), 0.0),
    "sqrt": Row(torch.sqrt, torch.sqrt, _evaluation("sqrt"), (_node("Sqrt"),), 0.0),
    "power": Row(lambda v: v**1.25, lambda x: x**1.25, _evaluation("pow", 1.25), (), 0.0),
}


def whole_line(every: int, least: float = -math.inf) -> Tensor:
    """Numbers of float32 of all sizes, denormal ones, both zeros and the infinities among them.

    Args:
        every: one of so many bit patterns; an odd number, so that last digits vary.
        least: the smallest.
    """
    patterns = torch.arange(-(2**31), 2**31, every, dtype=torch.int64).to(torch.int32)
    special_ones = [0.0, -0.0, math.inf, -math.inf, 1.1754944e-38, 1e-45, -1e-45, 3.4e38]
    places = [20.0, -18.0, -15.8, 3.777, -5.5426, -88.7241, -103.97, 88.7228]
    near = torch.tensor(places)[:, None] * (1 + torch.arange(-40, 41) * 2.0**-23)
    numbers = [patterns.view(torch.float32), torch.tensor(special_ones), near.flatten()]
    points = torch.cat([*numbers, torch.linspace(-30, 30, 600_000_000 // every)])
    return points[(points >= least) & ~points.isnan()]


def onnx_session(row: Row) -> Callable[[Tensor], Tensor]:
    """The function in ONNX Runtime, with one thread, in float32.

    It skips the test where ONNX Runtime is not installed.
    """
    return run_graph(row.nodes)


def run_graph(nodes: Iterable[Node]) -> Callable[[Tensor], Tensor]:
    """A graph from "x" to "y" in ONNX Runtime, with one thread, of tensors of any shape."""
    onnx = pytest.importorskip("onnx", reason="onnx: pip install gnomon[dev]")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime: pip install gnomon[dev]")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    made = [
        helper.make_node(operator, inputs.split(), [output], **attributes)
        for operator, inputs, output, attributes in nodes
    ]
    ends = [helper.make_tensor_value_info(name, kind, None) for name in "xy"]
    graph = helper.make_graph(made, "graph", ends[:1], ends[1:])
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda x: torch.from_numpy(session.run(None, {"x": x.numpy()})[0].copy())
