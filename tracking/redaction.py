"""Telling credentials from other text, so that nothing that Encore writes carries one.

Told by shape (`secret_shapes`; the path of something on this disk is none), by the name beside a value (`secret_names`,
`secret_assignments`), and by what this process's environment holds under such names; what none of them shows cannot be
told. In doubt a text counts as a secret: a record that lacks a word says so, a published key cannot be taken back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from tracking.paths_here import is_in_path_here, is_path_here
from tracking.secret_assignments import Language, assignment_spans
from tracking.secret_names import is_secret_value, looks_random, strength_of
from tracking.secret_shapes import Span, shape_spans

MASK = "***"

# fmt: off
_FILE_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore",
    "*.kdbx", "*.ppk", "*.asc", "*.gpg", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc",
    "_netrc", ".pgpass", ".my.cnf", ".pypirc", ".npmrc", ".htpasswd", ".git-credentials", ".dockercfg",
    "credentials", "credentials.*", "*credentials.json", "secrets.*", "*secret*.json", "*secret*.y*ml", "*secret*.toml",
    "service-account*.json", "service_account*.json", "kubeconfig", ".kube", ".aws", ".ssh", ".gnupg",
    "terraform.tfstate*",
)
_CODE = {
    ".py", ".pyi", ".pyx", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".java", ".go", ".rs", ".c", ".cc", ".cpp", ".cu",
    ".h", ".hpp", ".rb", ".php", ".cs", ".kt", ".swift", ".scala", ".r", ".jl", ".lua", ".pl",
}
_SETTINGS = {
    ".yaml", ".yml", ".ini", ".cfg", ".conf", ".toml", ".env", ".properties", ".json", ".sh", ".bash", ".zsh", ".tf",
    ".tfvars", ".xml", ".md", ".txt",
}
# fmt: on

# What git writes for a binary file: letters that mean nothing to a reader.
_BASE85 = re.compile(
    r"^(?:literal|delta) \d+\n(?:[A-Za-z][0-9A-Za-z!#$%&()*+\-;<=>?@^_`{|}~]{5,66}\n)+", re.MULTILINE
)


def is_secret_file(path: str) -> bool:
    """Whether a file's name is one that credentials have; any folder of that name counts too."""
    return any(
        fnmatch(part.lower(), pattern) for part in PurePosixPath(path).parts for pattern in _FILE_NAMES
    )


def language_of(path: str) -> Language:
    """How words without quotes are to be read in a file of this name."""
    suffix = PurePosixPath(path).suffix.lower()
    return "code" if suffix in _CODE else "settings" if suffix in _SETTINGS else "text"


def redacted(text: str, language: Language = "text") -> str:
    """`text` with three stars in place of every secret; a second time it changes nothing."""
    return _redacted(text, language, _known())


def _redacted(text: str, language: Language, known: frozenset[str]) -> str:
    """known: secrets of this process's environment."""
    parts: list[str] = []
    position = 0
    for begin, end in _spans(text, language, known):
        if begin >= position and text[begin:end].strip("*"):
            parts += [text[position:begin], MASK]
            position = end
    return "".join([*parts, text[position:]])


def holds_secret(text: str, language: Language = "text") -> bool:
    """Whether something in `text` looks like a private key, a token or a password."""
    return redacted(text, language) != text


def redacted_value(value: Any, name: str = "") -> Any:
    """Plain data with every secret in it replaced, keys included; `name`: of the key that `value` stands under."""
    return _redacted_value(value, name, _known())


def _redacted_value(value: Any, name: str, known: frozenset[str]) -> Any:
    match value:
        case str():
            strength = strength_of(name)
            if strength and is_secret_value(name, value, strength):
                return MASK
            return _redacted(value, "text", known)
        case Mapping():
            named = value.get("name", value.get("key"))
            of_pair = {"value"} if isinstance(named, str) else set[str]()
            return {
                _redacted_key(key, known): _redacted_value(
                    inner, str(named) if key in of_pair else str(key), known
                )
                for key, inner in value.items()
            }
        case list() | tuple():
            return [_redacted_value(inner, name, known) for inner in value]
        case int() if not isinstance(value, bool) and abs(value) >= 1000 and strength_of(name) == "certain":
            return MASK
        case _:
            return value


def masked(command: Sequence[str]) -> list[str]:
    """A command line with the values of secret-looking keys and secret-looking values replaced."""
    shown: list[str] = []
    for word in command:
        follows_key = bool(shown) and shown[-1].startswith("-") and _is_secret_option(shown[-1])
        shown.append(MASK if follows_key and not word.startswith("-") else _masked_word(word))
    return shown


def _masked_word(word: str) -> str:
    key, equals, _ = word.partition("=")
    return f"{key}={MASK}" if equals and _is_secret_option(key) else redacted(word)


def _is_secret_option(key: str) -> bool:
    return "=" not in key and strength_of(key.lstrip("-")) is not None


def _redacted_key(key: Any, known: frozenset[str]) -> Any:
    return _redacted(key, "text", known) if isinstance(key, str) else key


def _spans(text: str, language: Language, known: frozenset[str]) -> list[Span]:
    """Begin and end of every secret, in order, the longest first of those that begin alike."""
    found: set[Span] = set()
    for begin, part in _parts(text):
        spans: Iterable[Span] = (
            *_shaped(part),
            *assignment_spans(part, language),
            *_known_spans(part, known),
        )
        found.update((begin + first, begin + last) for first, last in spans)
    return sorted(found, key=lambda span: (span[0], -span[1]))


def _shaped(text: str) -> list[Span]:
    """What has a credential's form and is not the path of something that lies here."""
    found = list(shape_spans(text))
    if not found or is_path_here(text):
        return []
    return [span for span in found if not is_in_path_here(text, *span)]


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """`text` without the encoded bodies of binary files, each part with its place."""
    position = 0
    if "GIT binary patch" in text:
        for block in _BASE85.finditer(text):
            yield position, text[position : block.start()]
            position = block.end()
    yield position, text[position:]


def _known_spans(text: str, known: frozenset[str]) -> Iterator[Span]:
    for secret in known:
        begin = text.find(secret)
        while begin >= 0:
            yield begin, begin + len(secret)
            begin = text.find(secret, begin + len(secret))


def _known() -> frozenset[str]:
    return _known_of(tuple(os.environ.items()))


@lru_cache(maxsize=4)  # of two thirds of the time that a short text takes
def _known_of(environment: tuple[tuple[str, str], ...]) -> frozenset[str]:
    return frozenset(known_secrets(dict(environment)))


def known_secrets(environment: Mapping[str, str]) -> set[str]:
    """What an environment holds under the names of credentials and as passwords in addresses, also as addresses
    write it. What might be a word of its own (short, or letters alone) is left to names and shapes."""
    found: set[str] = set()
    for name, value in environment.items():
        strength = strength_of(name)
        if strength and is_secret_value(name, value, strength) and looks_random(value):
            found.add(value)
        if "://" in value and "@" in value:
            found |= {password for password in _passwords(value) if looks_random(password)}
    return found | {quote(secret, safe="") for secret in found} | {unquote(secret) for secret in found}


def _passwords(address: str) -> list[str]:
    try:
        password = urlsplit(address).password
    except ValueError:  # no address after all
        return []
    return [] if password is None else [password]
