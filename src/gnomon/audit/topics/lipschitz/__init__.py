"""Lipschitz constants of the network, from both sides."""
