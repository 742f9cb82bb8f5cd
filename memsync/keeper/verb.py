"""What a verb is: a name, a function from JSON values to JSON values, and what it needs to be done.

The arguments that a verb takes are those of its function, no others; their types and bounds are checked before it is called. The tables
that the decorators fill are the one list of verbs: the command line, the keeper's API, its description, the documentation and the tests go
by them. ``VERBS`` are the person's own, ``SERVED`` those of the tools that this device serves.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from memsync.errors import InputError

if TYPE_CHECKING:
    from memsync.keeper.at import At
    from memsync.vault import ServedVault

Values = dict[str, object]
Schema = dict[str, Any]
"""A JSON Schema (2020-12)."""
Function = Callable[..., Values]


class Needs(Enum):
    """What must be open for a verb."""

    VAULT = "a vault"
    CHAIN = "a vault and its chain"
    KEY = "a tool's key and a chain"
    KEY_ONLY = "a tool's key"


@dataclass(frozen=True, slots=True)
class Says:
    """What an argument is, for who reads the API's description, and its bounds: of a number, of a text's characters, of how many texts.

    ``pattern``: what the whole text, or each text of a list, looks like; ``each``: the most characters of each text of a list,
    which then has one at least.
    """

    what: str
    least: int | None = None
    most: int | None = None
    pattern: str | None = None
    each: int | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its types (a ``Literal``'s words are ``words``), and whether it must be given."""

    name: str
    kinds: tuple[type, ...]
    words: tuple[str, ...] = ()
    required: bool = False
    says: Says = Says("")
    default: object = None

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
        units = {str: " characters", list: " texts", int: ""}
        found = " or ".join(names[kind] for kind in self.kinds)
        [unit] = [units[kind] for kind in self.kinds if kind in units] or [""]
        if self.says.most is not None:
            found += f" of {self.says.least or 0} to {self.says.most}{unit}"
        if self.says.each is not None:
            found += f", each of 1 to {self.says.each} characters"
        return found + (f", as {self.says.what}" if self.says.pattern else "")

    def fits(self, value: object) -> bool:
        """Whether a JSON value is one."""
        says = self.says
        if type(value) is list:
            texts = [one for one in value if type(one) is str]
            whole = list in self.kinds and len(texts) == len(value) and _within(len(value), says)
            return whole and all(
                self._looks_right(one) and (says.each is None or 0 < len(one) <= says.each) for one in texts
            )
        if type(value) not in self.kinds:
            return False
        if type(value) is str:
            return (
                value in self.words if self.words else _within(len(value), says) and self._looks_right(value)
            )
        return _within(value, says) if type(value) is int else True

    def _looks_right(self, text: str) -> bool:
        return self.says.pattern is None or re.fullmatch(self.says.pattern, text, re.ASCII) is not None

    @property
    def schema(self) -> Schema:
        """The same as a JSON Schema."""
        names = {str: "string", int: "integer", bool: "boolean", list: "array", type(None): "null"}
        kinds = [names[kind] for kind in self.kinds]
        found: Schema = {"type": kinds[0] if len(kinds) == 1 else kinds}
        says, pattern = self.says, None if self.says.pattern is None else f"^(?:{self.says.pattern})$"
        if says.what:
            found["description"] = says.what
        if self.words:
            found["enum"] = [*self.words, *([None] if type(None) in self.kinds else [])]
        if list in self.kinds:
            found["items"] = _drop_none(
                {
                    "type": "string",
                    "minLength": None if says.each is None else 1,
                    "maxLength": says.each,
                    "pattern": pattern,
                }
            )
            found |= _drop_none({"minItems": says.least, "maxItems": says.most})
        elif str in self.kinds:
            found |= _drop_none({"minLength": says.least, "maxLength": says.most, "pattern": pattern})
        elif int in self.kinds:
            found |= _drop_none({"minimum": says.least, "maximum": says.most})
        if not self.required and self.default is not None:
            found["default"] = self.default
        return found


@dataclass(frozen=True, slots=True)
class Call:
    """``name`` as it is typed (``"scope add"``), and the arguments that it takes."""

    name: str
    function: Function
    parameters: Mapping[str, Parameter]

    @property
    def path(self) -> str:
        """Where the API has it, below ``/v1/``."""
        return self.name.replace(" ", "/")

    @property
    def says(self) -> str:
        """What it does, in the words of its function."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def schema(self) -> Schema:
        """The arguments as a JSON Schema, closed."""
        found: Schema = {
            "type": "object",
            "properties": {name: one.schema for name, one in self.parameters.items()},
            "additionalProperties": False,
        }
        required = [name for name, one in self.parameters.items() if one.required]
        return found | ({"required": required} if required else {})

    def check(self, given: Mapping[str, object]) -> Values:
        """The arguments, whole numbers as such: to JSON Schema 5.0 is one. ``InputError`` for one that is missing, unknown, of another type
        or out of its bounds."""
        found = {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in given.items()
        }
        for name, value in found.items():
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
        return found


@dataclass(frozen=True, slots=True)
class Verb(Call):
    """One of the person's. ``python``: where the library has the same (``"Vault.add_scope"``)."""

    needs: Needs
    python: str

    def __call__(self, at: At, given: Mapping[str, object]) -> Values:
        return self.function(at, **self.check(given))


@dataclass(frozen=True, slots=True)
class ServedVerb(Call):
    """One of the tools'. ``title`` for a person; ``answer`` the schema of what it gives; whether it only ``reads``, may ``destroy``, and
    whether ``again`` does nothing more."""

    title: str
    answer: Schema
    reads: bool
    destroys: bool
    again: bool

    def __call__(self, vault: ServedVault, given: Mapping[str, object]) -> Values:
        return self.function(vault, **self.check(given))


VERBS: dict[str, Verb] = {}
SERVED: dict[str, ServedVerb] = {}


def verb(name: str, needs: Needs, python: str) -> Callable[[Function], Function]:
    """Put a function into the table as the person's verb of this name."""

    def put(function: Function) -> Function:
        VERBS[name] = Verb(name, function, _parameters(function), needs, python)
        return function

    return put


def served(
    name: str, title: str, answer: Schema, *, reads: bool = True, destroys: bool = False, again: bool = True
) -> Callable[[Function], Function]:
    """Put a function into the table as the tools' verb of this name."""

    def put(function: Function) -> Function:
        SERVED[name] = ServedVerb(
            name, function, _parameters(function), title, answer, reads, destroys, again
        )
        return function

    return put


def _parameters(function: Function) -> dict[str, Parameter]:
    # The first parameter's class is not loaded for a table that a client reads too.
    hints = get_type_hints(function, localns={"ServedVault": object}, include_extras=True)
    return {
        one.name: _parameter(one.name, hints[one.name], one.default)
        for one in inspect.signature(function).parameters.values()
        if one.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _parameter(name: str, hint: Any, default: object) -> Parameter:
    says = Says("")
    kinds: list[type] = []
    words: list[str] = []
    for part in get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,):
        one = part
        if get_origin(one) is Annotated:
            one, says = get_args(one)
        if get_origin(one) is Literal:
            words += get_args(one)
            kinds.append(str)
        else:
            kinds.append(get_origin(one) or one)
    required = default is inspect.Parameter.empty
    return Parameter(name, tuple(kinds), tuple(words), required, says, None if required else default)


def _within(size: int, says: Says) -> bool:
    return (says.least is None or size >= says.least) and (says.most is None or size <= says.most)


def _drop_none(schema: Schema) -> Schema:
    return {name: value for name, value in schema.items() if value is not None}
