"""One verb, done: in go its arguments with whom they are about, out comes what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsync.keeper.at import At, Target

if TYPE_CHECKING:
    from memsync.keeper.at import Held
    from memsync.keeper.verb import Values, Verb


def perform(verb: Verb, given: Values, held: Held) -> Values:
    """Do the verb with what is held open. ``InputError`` for arguments that aren't its; what it raises itself."""
    given = dict(given)
    target = Target.taken_from(given)
    verb.check(given)
    with At(target, held) as at:
        return verb(at, given)
