"""The complexity of the decision boundary."""
