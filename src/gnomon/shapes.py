"""Names of the tensor shapes that cross module borders.

Axis names mean the same everywhere: batch, examples, classes, neurons; `shape` stands for the
axes of one example (features, or channels × height × width).
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

Inputs = Float[Tensor, " batch *shape"]
Labels = Int[Tensor, " batch"]
Logits = Float[Tensor, " batch classes"]
PerExample = Float[Tensor, " batch"]
Mask = Bool[Tensor, " batch"]
