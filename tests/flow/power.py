"""Power that is cut at a chosen step: around a store or a registry, or at statements of a database."""

from __future__ import annotations


class PowerCut(BaseException):
    """Nothing of the program runs on after this."""


class Power:
    """Counts the steps of one ``kind`` and cuts, once, at step number ``left``."""

    def __init__(self) -> None:
        self.kind, self.left, self.steps = "", 0, 0

    def cut(self, kind: str, left: int) -> None:
        """Begin to count; a ``left`` that is not reached cuts nothing."""
        self.kind, self.left, self.steps = kind, left, 0

    def spare(self) -> int:
        """Count no more; returns how many steps there were."""
        self.kind = ""
        return self.steps

    def step(self, kind: str) -> None:
        if kind == self.kind:
            self.steps += 1
            if self.steps == self.left:
                self.kind = ""
                raise PowerCut

    def over(self, inner: object, kind: str) -> object:
        """``inner``, its calls counted before and after."""
        power = self

        class Wired:
            def __getattr__(self, name: str) -> object:
                found = getattr(inner, name)
                if not callable(found):
                    return found

                def call(*args: object, **named: object) -> object:
                    power.step(kind)
                    result = found(*args, **named)
                    power.step(kind)
                    return result

                return call

        return Wired()
