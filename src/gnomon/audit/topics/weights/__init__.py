"""The weight matrices: norms, singular values and eigenvalues."""
