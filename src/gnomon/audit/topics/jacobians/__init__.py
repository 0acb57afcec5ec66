"""The network as a change of variables."""
