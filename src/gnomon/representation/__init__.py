"""What a network does to its data: weights, gradients, representations, Jacobians, boundary."""
