"""The door: without the right bearer token nothing behind it answers (RFC 6750).

In goes an app and one token, out comes the same app behind the check. Tokens are compared in constant time. A request that lacks it gets
a 401 whatever it asks for, so it learns nothing of what is there.
"""

from __future__ import annotations

from hmac import compare_digest

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Bearer:
    """``app``, for those who send ``Authorization: Bearer`` with this token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._opens(Headers(scope=scope).get("authorization", "")):
            refused = PlainTextResponse(
                "a token is needed, or another one\n", 401, {"WWW-Authenticate": "Bearer"}
            )
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _opens(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and compare_digest(given.strip().encode(), self._token)
