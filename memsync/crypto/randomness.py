"""The one place where chance comes in: a callable that gives ``n`` bytes, the operating system's unless a caller gives another.

Tests and vectors pass their own; nothing else in ``crypto``, ``ipld`` or ``format`` draws randomness, but for HPKE boxes, whose
encapsulation draws inside ``cryptography``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final, TypeAlias

Random: TypeAlias = Callable[[int], bytes]

system_random: Final[Random] = secrets.token_bytes
