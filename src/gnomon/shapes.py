"""Names of the tensor shapes that cross module borders.

Axis names mean the same everywhere: batch, examples, classes, neurons; `shape` stands for the
axes of one example (features, or channels × height × width).
"""

from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

Inputs = Float[Tensor, " batch *shape"]
Centres = Shaped[Tensor, " batch *shape"]
"""Numbers of any type, such as pixels in 8 bits, around which there are real ones."""
Labels = Int[Tensor, " batch"]
Logits = Float[Tensor, " batch classes"]
PerExample = Float[Tensor, " batch"]
Mask = Bool[Tensor, " batch"]
