"""The rise of the loss around the parameters."""
