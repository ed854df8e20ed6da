"""Telling credentials from other text, so that no record of a run carries one.

By name and by shape; what neither shows cannot be told. In doubt a text counts as a secret: a
record that lacks a file says so, a published key cannot be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

_MASK = "***"

# fmt: off
_FILE_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore",
    "*.kdbx", "*.ppk", "*.asc", "*.gpg", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc",
    "_netrc", ".pgpass", ".pypirc", ".npmrc", ".htpasswd", ".git-credentials", "credentials",
    "credentials.*", "*credentials.json", "secrets.*", "*secret*.json", "*secret*.y*ml",
    "service-account*.json", "kubeconfig",
)
# fmt: on

_NAME = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|auth|credential)"

_KEY = re.compile(rf"[\w.-]*{_NAME}[\w.-]*", re.IGNORECASE)

_SHAPES = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",  # AWS access key ids
    r"\bhf_[A-Za-z0-9]{20,}",  # Hugging Face
    r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}",
    r"\bglpat-[\w-]{16,}",  # GitLab
    r"\bxox[abprs]-[\w-]{10,}",  # Slack
    r"\bsk-[\w-]{20,}",  # OpenAI, Anthropic and others
    r"\bAIza[\w-]{30,}",  # Google
    r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",  # JSON web tokens
    r"\b[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]{3,}@",  # a password in an address
)
_SHAPE = re.compile("|".join(_SHAPES))

# NAME = value with a literal value of some length. Code that fetches a token from somewhere
# (`token = os.environ[…]`, `tokens: int`) has brackets, dots or a short word instead.
_ASSIGNMENT = re.compile(
    rf"""(?:^|[^\w]){_NAME}\w*["']?\s*[=:]\s*(?:(["'])[^"'\s]{{8,}}\1|(?=[^\s]*\d)[\w+/=-]{{16,}}(?:\s|$))""",
    re.IGNORECASE | re.MULTILINE,
)
_ENV_ASSIGNMENT = re.compile(
    rf"^[\s+-]*(?:export\s+)?[A-Z0-9_]*{_NAME.upper()}[A-Z0-9_]*=\S{{6,}}", re.MULTILINE
)


def is_secret_file(path: str) -> bool:
    """Whether a file's name is one that credentials have; any folder of that name counts too."""
    return any(
        fnmatch(part.lower(), pattern) for part in PurePosixPath(path).parts for pattern in _FILE_NAMES
    )


def holds_secret(text: str) -> bool:
    """Whether something in `text` looks like a private key, a token or a password."""
    return any(pattern.search(text) for pattern in (_SHAPE, _ASSIGNMENT, _ENV_ASSIGNMENT))


def redacted(text: str) -> str:
    """`text` with everything that has the shape of a secret replaced."""
    return _SHAPE.sub(_MASK, text)


def masked(command: Sequence[str]) -> list[str]:
    """A command line with the values of secret-looking keys and secret-looking values replaced."""
    shown: list[str] = []
    for word in command:
        follows_key = bool(shown) and shown[-1].startswith("-") and _is_secret_key(shown[-1])
        shown.append(_MASK if follows_key and not word.startswith("-") else _masked_word(word))
    return shown


def _masked_word(word: str) -> str:
    key, equals, _ = word.partition("=")
    if equals and _is_secret_key(key):
        return f"{key}={_MASK}"
    return _SHAPE.sub(_MASK, word) if _SHAPE.search(word) else word


def _is_secret_key(key: str) -> bool:
    """`--api-token`, `hub.password`; not `batch_tokens` or `tokenizer`, which this project is full of."""
    bare = key.lstrip("-")
    return (
        "=" not in bare
        and _KEY.fullmatch(bare) is not None
        and re.search(r"tokens|tokeni[sz]|author", bare) is None
    )
