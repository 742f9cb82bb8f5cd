"""What a verb is: a name, a function from JSON values to JSON values, and what it needs to be done.

The arguments that a verb takes are those of its function, no others; their types are checked before it is called. The table that the
decorator fills is the one list of verbs: the command line, the keeper's API, the documentation and the tests go by it.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from memsync.errors import InputError

if TYPE_CHECKING:
    from memsync.keeper.at import At

Values = dict[str, object]
Function = Callable[..., Values]


class Needs(Enum):
    """What must be open for a verb."""

    VAULT = "a vault"
    CHAIN = "a vault and its chain"
    KEY = "a tool's key and a chain"
    KEY_ONLY = "a tool's key"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its types (a ``Literal``'s words are ``words``), and whether it must be given."""

    name: str
    kinds: tuple[type, ...]
    words: tuple[str, ...] = ()
    required: bool = False

    @property
    def expected(self) -> str:
        """What it must be, for a person."""
        if self.words:
            return "one of " + ", ".join(self.words)
        names = {
            str: "a text",
            int: "a whole number",
            bool: "true or false",
            list: "a list of texts",
            type(None): "null",
        }
        return " or ".join(names[kind] for kind in self.kinds)

    def fits(self, value: object) -> bool:
        """Whether a JSON value is one."""
        if type(value) is list:
            return list in self.kinds and all(type(one) is str for one in value)
        if self.words and type(value) is str:
            return value in self.words
        return type(value) in self.kinds


@dataclass(frozen=True, slots=True)
class Verb:
    """``name`` as it is typed (``"scope add"``); ``python``: where the library has the same (``"Vault.add_scope"``)."""

    name: str
    needs: Needs
    function: Function
    python: str
    parameters: Mapping[str, Parameter]

    @property
    def path(self) -> str:
        """Where the API has it, below ``/v1/``."""
        return self.name.replace(" ", "/")

    def check(self, given: Mapping[str, object]) -> None:
        """``InputError`` for an argument that is missing, unknown or of another type."""
        for name, value in given.items():
            parameter = self.parameters.get(name)
            if parameter is None:
                raise InputError(
                    f"`{self.name}` takes no {name!r}; it takes {', '.join(self.parameters) or 'nothing'}"
                )
            if not parameter.fits(value):
                raise InputError(f"{name!r} of `{self.name}` must be {parameter.expected}; give it so")
        missing = [name for name, one in self.parameters.items() if one.required and name not in given]
        if missing:
            raise InputError(f"`{self.name}` needs {', '.join(missing)}; give it")

    def __call__(self, at: At, given: Mapping[str, object]) -> Values:
        self.check(given)
        return self.function(at, **given)


VERBS: dict[str, Verb] = {}


def verb(name: str, needs: Needs, python: str) -> Callable[[Function], Function]:
    """Put a function into the table as the verb of this name."""

    def put(function: Function) -> Function:
        hints = get_type_hints(function)
        parameters = [
            _parameter(one.name, hints[one.name], required=one.default is inspect.Parameter.empty)
            for one in inspect.signature(function).parameters.values()
            if one.kind is inspect.Parameter.KEYWORD_ONLY
        ]
        VERBS[name] = Verb(name, needs, function, python, {one.name: one for one in parameters})
        return function

    return put


def _parameter(name: str, hint: Any, *, required: bool) -> Parameter:
    kinds: list[type] = []
    words: list[str] = []
    for one in get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,):
        if get_origin(one) is Literal:
            words += get_args(one)
            kinds.append(str)
        else:
            kinds.append(get_origin(one) or one)
    return Parameter(name, tuple(kinds), tuple(words), required)
