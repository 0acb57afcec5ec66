"""Studies: a question asked over many networks, answered with its uncertainty.

The public names stand in `__init__.pyi` and are loaded when first used, as those of `gnomon`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
