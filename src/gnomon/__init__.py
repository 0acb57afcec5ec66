"""Gnomon examines neural networks and makes them withstand more.

The public names stand in `__init__.pyi`, one flat list, and the packages with the names that
are rarer: `gnomon.attacks.View`. They are loaded when first used, so that
`import gnomon` and `gnomon --help` do not wait for torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
