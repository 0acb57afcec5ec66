"""Attacks on the parameters that destroy robustness unnoticed."""
