"""How the figures of a report look, and which findings they draw."""
