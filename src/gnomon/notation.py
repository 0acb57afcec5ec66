"""Things with settings that are numbers, written as a text: "linf:8/255", "tanh:0.01:10"."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.errors import SettingError


@dataclass(frozen=True)
class Notation:
    """How one thing is written: its name, and numbers for its settings in their order.

    Attributes:
        name: what the text begins with.
        keys: the settings that are numbers.
        needed: how many of them, from the first, a text must have.

    >>> Notation("tanh", ("size", "slope", "divisor"), 1).read(["1/100", "10"])
    {'size': 0.01, 'slope': 10}
    """

    name: str
    keys: tuple[str, ...]
    needed: int

    def read(self, texts: Sequence[str], where: str = "") -> dict[str, int | float]:
        """The settings that the texts behind the name give, by key.

        Args:
            texts: numbers, or fractions such as 8/255.
            where: the place in the file, for messages.

        Raises:
            SettingError: too few or too many texts, or one that is neither.
        """
        try:
            numbers = [_number(text) for text in texts]
        except (ValueError, ZeroDivisionError):
            raise self._error(texts, where) from None
        if not self.needed <= len(numbers) <= len(self.keys):
            raise self._error(texts, where)
        return dict(zip(self.keys, numbers, strict=False))

    def __str__(self) -> str:
        """The form in words: "tanh:SIZE[:SLOPE[:DIVISOR]]"."""
        parts = [
            f":{key.upper()}" if place < self.needed else f"[:{key.upper()}"
            for place, key in enumerate(self.keys)
        ]
        return self.name + "".join(parts) + "]" * (len(self.keys) - self.needed)

    def _error(self, texts: Sequence[str], where: str) -> SettingError:
        got = repr(":".join(texts)) if texts else "no number"
        if not self.keys:
            return SettingError(
                f"{where}: expected {self} without numbers, got {got}. "
                "Write settings, if it has any, as a table."
            )
        what = "a number" if len(self.keys) == 1 else "each a number"
        return SettingError(
            f"{where}: expected {self}, {what} or a fraction such as 2/255, got {got}. "
            "Correct it."
        )


def _number(text: str) -> int | float:
    numerator, slash, denominator = text.partition("/")
    if slash:
        return float(numerator) / float(denominator)
    return int(text) if text.isdecimal() else float(text)
