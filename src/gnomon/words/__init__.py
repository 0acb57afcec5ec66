"""From the words of a configuration or a command line to objects."""

__all__: list[str] = []
