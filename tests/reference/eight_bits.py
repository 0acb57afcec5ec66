"""Quantisation to eight bits number by number, and what onnxruntime makes of one small layer.

The formulas are those of onnxruntime's `quantize_dynamic` and of the operators
DynamicQuantizeLinear and MatMulInteger: whole numbers are multiplied and added as such.
"""

import struct
from collections.abc import Sequence
from fractions import Fraction

Matrix = list[list[float]]


def single(value: float) -> float:
    """The nearest number of float32."""
    return struct.unpack("f", struct.pack("f", value))[0]


def codes_of(
    numbers: Sequence[float], bits: int, *, symmetric: bool
) -> tuple[list[int], float, int]:
    """The codes of some numbers that share a scale; the scale; and the code of 0."""
    least, most = min(0.0, *numbers), max(0.0, *numbers)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if symmetric:
        low, most = -high, max(-least, most)
        least = -most
    scale = (most - least) / (high - low)
    zero = 0 if symmetric else round(low - least / scale)
    scale = single(scale)
    codes = [min(high, max(low, round(single(each / scale)) + zero)) for each in numbers]
    return codes, scale, zero


def integer_layer(
    inputs: Matrix,
    codes: Sequence[Sequence[int]],
    scales: Sequence[float],
    zeros: Sequence[int],
) -> Matrix:
    """The outputs of a layer of integer weights for a batch rounded with one scale, exactly.

    Args:
        inputs: examples in rows.
        codes: weights, one row for each output.
        scales: of each output.
        zeros: the code of 0 of each output.
    """
    numbers = [each for row in inputs for each in row]
    least, most = min(0.0, *numbers), max(0.0, *numbers)
    step = single(single(most - least) / 255)
    zero = min(255, max(0, round(single(-least / step))))
    rounded = [
        [min(255, max(0, round(single(each / step)) + zero)) for each in row] for row in inputs
    ]
    return [
        [
            float(
                Fraction(step)
                * Fraction(scale)
                * sum((x - zero) * (w - nought) for x, w in zip(row, weights, strict=True))
            )
            for weights, scale, nought in zip(codes, scales, zeros, strict=True)
        ]
        for row in rounded
    ]


WEIGHTS: Matrix = [
    [0.31, -1.27, 0.05, 0.9],
    [2.5, 1.1, 0.4, 3.3],
    [-0.02, 0.013, -0.007, -0.05],
]
INPUTS: Matrix = [[0.5, -1.0, 2.0, 0.25], [10.0, 3.0, -4.0, 7.0]]
ONNXRUNTIME: dict[tuple[str, str], tuple[list[list[int]], list[float], list[int], Matrix]] = {
    ("tensor", "symmetric"): (
        [[12, -49, 2, 35], [96, 42, 15, 127], [-1, 1, 0, -2]],
        [0.025984251871705055],
        [0],
        [
            [1.764687418937683, 1.830310344696045, -0.052783697843551636],
            [5.4538397789001465, 49.84920883178711, -0.5463826060295105],
        ],
    ),
    ("tensor", "asymmetric"): (
        [[-40, -128, -54, -7], [82, 4, -35, 127], [-58, -56, -57, -60]],
        [0.01792156882584095],
        [-57],
        [
            [1.7602494955062866, 1.835028052330017, -0.041325028985738754],
            [5.283699989318848, 49.78583526611328, -0.5027878284454346],
        ],
    ),
    ("channel", "symmetric"): (
        [[31, -127, 5, 90], [96, 42, 15, 127], [-51, 33, -18, -127]],
        [0.009999999776482582, 0.025984251871705055, 0.0003937007859349251],
        [0, 0, 0],
        [
            [1.7541176080703735, 1.830310344696045, -0.05049251392483711],
            [5.3869805335998535, 49.84920883178711, -0.48436930775642395],
        ],
    ),
    ("channel", "asymmetric"): (
        [[57, -128, 27, 127], [65, -43, -97, 127], [-7, 127, 46, -128]],
        [0.0085098035633564, 0.012941176071763039, 0.00024705883697606623],
        [21, -128, 74],
        [
            [1.7529528141021729, 1.8458683490753174, -0.05020041763782501],
            [5.3667826652526855, 49.861183166503906, -0.4834079146385193],
        ],
    ),
}
"""Codes, scales, codes of 0 and outputs of WEIGHTS for INPUTS, by scales and grid, as
onnxruntime 1.32.0 computed them (`quantize_dynamic` with QInt8, `per_channel` and
`WeightSymmetric`)."""
