"""The report: one page about one network, or about several side by side.

The public name stands in `__init__.pyi` and is loaded when first used: drawing takes a while
to import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
