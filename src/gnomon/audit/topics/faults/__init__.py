"""The accuracy with rounded, inverted, noisy and broken weights."""
