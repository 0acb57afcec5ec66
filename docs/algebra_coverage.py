"""Prints which functions of torch each algebra has a rule for, as a table in Markdown.

"own" is a rule of the algebra, "box" one by intervals, after which coordinates have nothing in
common; "–" is refused, with an error that names the function. Run:
python docs/algebra_coverage.py
"""

import sys

from gnomon.algebra import Interval, LinearRelaxation, Moments, Value, Zonotope

GROUPS = {
    "matrices": ("linear", "matmul", "bmm"),
    "convolutions": ("conv1d", "conv2d", "conv3d"),
    "transposed convolutions": ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    "arithmetic": ("add", "sub", "neg", "mul", "div", "pow", "square", "sqrt", "reciprocal"),
    "activations": (
        *("activation", "relu", "leaky_relu", "prelu", "relu6", "elu", "selu", "celu", "gelu"),
        *("silu", "mish", "tanh", "sigmoid", "softplus", "softsign", "logsigmoid"),
        *("hardswish", "hardsigmoid", "hardtanh", "tanhshrink", "clamp", "abs", "exp", "log"),
    ),
    "softmax": ("softmax", "logsumexp"),
    "average pooling": (
        *("avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d"),
        *("mean", "sum"),
    ),
    "max pooling": (
        *("max_pool1d", "max_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"),
        *("amax", "amin", "maximum", "minimum"),
    ),
    "normalisation": ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"),
    "dropout, in evaluation": ("dropout", "dropout1d", "dropout2d", "alpha_dropout"),
    "shapes": (
        *("flatten", "reshape", "view", "unflatten", "squeeze", "unsqueeze", "permute"),
        *("transpose", "movedim", "t", "expand", "repeat", "flip", "roll", "pixel_shuffle"),
    ),
    "picking and joining": (
        *("getitem", "setitem", "select", "narrow", "index_select", "split", "chunk"),
        *("unbind", "cat", "stack", "pad", "interpolate", "cumsum"),
    ),
}


def main() -> None:
    """Writes the table."""
    algebras: tuple[type[Value], ...] = (
        Interval,
        Zonotope,
        LinearRelaxation,
        Moments,
    )
    lines = [
        "| functions | " + " | ".join(f"`{each.__name__}`" for each in algebras) + " |",
        "|---" * (len(algebras) + 1) + "|",
    ]
    for group, names in GROUPS.items():
        cells = [_cell(each, names) for each in algebras]
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


def _cell(algebra: type[Value], names: tuple[str, ...]) -> str:
    """What holds for all of them, or for most with the exceptions by name."""
    kinds = {name: _kind(algebra, name) for name in names}
    found = list(kinds.values())
    usual = max(set(found), key=lambda kind: (found.count(kind), kind))
    others = [f"{name}: {kind}" for name, kind in kinds.items() if kind != usual]
    return usual if not others else f"{usual} ({', '.join(others)})"


def _kind(algebra: type[Value], name: str) -> str:
    rule = algebra.rules.get(name)
    if rule is None:
        return "–"
    by_intervals = getattr(rule, "__qualname__", "").startswith(("hulled.", "starting_afresh."))
    return "box" if by_intervals else "own"


if __name__ == "__main__":
    main()
