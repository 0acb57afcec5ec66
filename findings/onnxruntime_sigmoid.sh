#!/usr/bin/env bash
# Guessed: a float32 sigmoid is right to a few units in the last place, lies in [0, 1], and its
#   logarithm is finite for all x above -87.
# Is: ONNX Runtime 1.32.0 on x86-64 errs by up to 1.8e-7 absolutely: Sigmoid is exactly 0 from -18
#   down and in places from -15.8, and above 1 in places; Log(Sigmoid(x)), as which torch exports
#   LogSigmoid, is -inf there. Softplus(-x) has no such fault.
# Source: what it prints; its kernel is a rational approximation clamped at -18 and 18.
# Hurts: log-likelihoods, losses and bounds that are computed for PyTorch and deployed with it.
# Do instead: write -Softplus(-x) for the logarithm of a sigmoid; count an absolute error of 5e-7.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper


def run(nodes, x):
    """The graph's output "y" for the input "x"."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node(operator, [start], [end]) for operator, start, end in nodes],
        "graph", ends[:1], ends[1:],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


x = np.linspace(-30, 30, 600001, dtype=np.float32)
truth = 1 / (1 + np.exp(-x.astype(np.float64)))
sigmoid = run([("Sigmoid", "x", "y")], x)
logarithm = run([("Sigmoid", "x", "s"), ("Log", "s", "y")], x)
softplus = -run([("Softplus", "x", "y")], -x)
error = np.abs(sigmoid - truth)
zero = x[sigmoid == 0]
print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
print(f"Sigmoid: largest absolute error {error.max():.3g}; 0 at {zero.size} points up to "
      f"{zero.max():.6g}; largest value {sigmoid.max():.9g}")
print(f"Log(Sigmoid): -inf at {np.isneginf(logarithm).sum()} points; -Softplus(-x): "
      f"{np.isneginf(softplus).sum()}")
assert (sigmoid[x <= -18] == 0).all(), "Sigmoid is no longer 0 from -18 down"
assert np.isneginf(logarithm[x <= -18]).all(), "Log(Sigmoid) is no longer -inf there"
assert np.isfinite(softplus).all()
assert 1e-8 < error.max() < 5e-7, error.max()
PYTHON
