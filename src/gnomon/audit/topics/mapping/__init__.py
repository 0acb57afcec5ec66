"""The paths of examples from layer to layer and from epoch to epoch."""
