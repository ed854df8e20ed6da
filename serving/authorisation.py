"""Who may ask: everybody on this machine, or whoever has the token."""

from __future__ import annotations

import hmac
from pathlib import Path

from fastapi import Request

from errors import UserError
from serving.problems import RefusedError

_LEAST_CHARACTERS = 16
_MOST_BYTES = 4096
_SCHEME = "bearer"  # in any case: RFC 9110, 11.1


def read_token(file: Path) -> str:
    """The one line of a file. UserError for what is no token that keeps anybody out."""
    try:
        content = file.read_bytes()[: _MOST_BYTES + 1].decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot be read as a token", where=str(file), cure=_CURE) from error
    token = content.strip()
    if not token:
        raise UserError("holds an empty token", where=str(file), cure=_CURE)
    if (
        len(token) < _LEAST_CHARACTERS
        or len(content) > _MOST_BYTES
        or not token.isprintable()
        or " " in token
    ):
        raise UserError(
            f"holds no token of {_LEAST_CHARACTERS} or more characters", where=str(file), cure=_CURE
        )
    return token


class Authorised:
    """A dependency of every route that asks for the token. token: none lets everybody in."""

    def __init__(self, token: str | None) -> None:
        self._expected = None if token is None else token.encode()

    async def __call__(self, request: Request) -> None:
        if self._expected is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip(" ").encode("utf-8", "surrogatepass"), self._expected)
        if not known or scheme.lower() != _SCHEME:
            raise RefusedError(
                401,
                "unauthorised",
                "the token is missing or wrong",
                field="Authorization",
                cure="Send it in the header Authorization, after Bearer.",
                headers={"www-authenticate": "Bearer"},
            )


_CURE = "Write one of your own there: `openssl rand -hex 32 > FILE`."
