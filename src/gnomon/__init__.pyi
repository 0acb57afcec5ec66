from .errors import GnomonError as GnomonError
from .references import cite as cite
