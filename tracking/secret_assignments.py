"""Credentials by the name that stands beside them, in the ways in which files and commands set a name to a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tracking.secret_names import Strength, is_secret_value, looks_like_a_name, looks_random, strength_of
from tracking.secret_shapes import Span

Language = Literal["code", "settings", "text"]
"""code: a word without quotes is a name. settings: it is a value. text: of no known kind, so a word counts when it
does not look like a name."""

_KEYWORD = re.compile(r"pass|pwd|secret|token|key|auth|cred|sas|dsn|webhook", re.IGNORECASE)
_NAME = r"(?P<name>[A-Za-z_$][\w.\-]{0,100})"
_BARE = r"(?<![\w.\-$])"
_S = r"[ \t]{0,20}"  # bounded everywhere, so that no text takes longer than its length
_QUOTED_VALUE = (
    r"""[bBrRuUfF]{0,2}(?P<q>\\?["'`])(?P<value>(?:(?!(?P=q))[^\n]){1,2000})(?:(?P=q)|$)"""  # or cut short
)
_TYPE = rf"(?::{_S}[A-Za-z_][\w\[\]., |]{{0,40}}?)?"

# With a look-ahead, as one may stand in the value of another: description="X_TOKEN=…".
_QUOTED = re.compile(
    rf"""{_BARE}(?={_NAME}\\?["'`]?{_S}\]?{_S}{_TYPE}{_S}(?:=>|:=|=|:){_S}\(?{_S}{_QUOTED_VALUE})"""
)
_SETTERS = "setdefault|putenv|setenv|getenv|get|set|setItem|add_header|header"
_CALL = re.compile(rf"""\b(?:{_SETTERS})\({_S}["']{_NAME}["']{_S},{_S}{_QUOTED_VALUE}""")
_PAIR = re.compile(
    rf"""["']?(?:name|key)["']?{_S}[:=]{_S}["']?{_NAME}["']?{_S}[,;\n]?[\s\-+]{{0,40}}"""
    rf"""["']?value["']?{_S}[:=]{_S}["']?(?P<value>[^\s"',}}]{{1,2000}})""",
    re.IGNORECASE,
)
_TAG = re.compile(rf"<{_NAME}(?:\s[^<>]{{0,200}})?>(?P<value>[^<>\n]{{1,2000}})</(?P=name)>")
_LINE = re.compile(
    rf"""^[\s+\-*>|]{{0,80}}(?:(?:export|set|setenv|ENV|ARG|let|const|var|-e|--env)\s)?{_S}["'`*]{{0,3}}"""
    rf"""{_NAME}["'`*]{{0,3}}{_S}(?P<sep>=>|:=|=|:){_S}(?P<value>[^\s"'`].*)$"""
)
_ENV_LINE = re.compile(
    rf"(?:^[\s+\-]{{0,80}}set|\bENV|\bsetenv)\s{_S}{_NAME}\s{_S}(?P<value>[^\s\"'`*]{{1,2000}})"
)
_FLAG = re.compile(
    rf"""(?<![\w-])--?(?={_NAME}(?P<sep>=|[ \t]{{1,20}})["']?(?P<value>[^\s"'`,)\]]{{1,2000}}))"""
)
_INLINE = re.compile(
    rf"""{_BARE}(?={_NAME}=(?P<value>[^\s"'`,;&()\[\]{{}}<>]{{1,2000}})(?P<end>[;&"'`]|\s|$|\\))"""
)
_SPACED = re.compile(
    rf"""{_BARE}(?={_NAME}["'`*]{{0,3}}(?::[ \t]|[ \t]=[ \t]){_S}(?P<value>[^\s"'`,;()\[\]{{}}<>]{{1,2000}}))"""
)
_CODE_VALUE = re.compile(
    r"[()\[\]{}]|^(?:await|new|not|lambda|if|self|os|cls)\b|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|\s(?:if|or|and|else|in|is)\s|[|+]\s"
)
_COMMENT = re.compile(r"\s(?:#|//|;).*$")
_OPENING = re.compile(rf"""{_BARE}(?={_NAME}["'`]?{_S}\]?{_S}{_TYPE}{_S}[=:]{_S}(?:\(|[|>][+-]?\d?|\\)?$)""")
_ALONE = re.compile(rf"""[\s+-]{{0,80}}(?P<q>["'`]?)(?P<value>\S.*?)(?P=q)[,)]?{_S}$""")


def assignment_spans(text: str, language: Language) -> Iterator[Span]:
    """Where in `text` the value of a name stands that credentials have."""
    lines = text.splitlines(keepends=True)
    start = 0
    for number, line in enumerate(lines):
        if _KEYWORD.search(line):
            for begin, end in _line_spans(line.rstrip("\r\n"), language):
                yield start + begin, start + end
            more = lines[number + 1 : number + 3]
            if more and line.rstrip()[-1:] in tuple("=:(|>+-\\"):
                for begin, end in _continued(line.rstrip(), more[0].rstrip()):
                    yield start + len(line) + begin, start + len(line) + end
            if _pairs_with_next(line):
                for begin, end in _found(_PAIR, "".join([line, *more])):
                    yield start + begin, start + end
        start += len(line)


def _pairs_with_next(line: str) -> bool:
    return re.search(r"\b(?:name|key)[\"']?\s*[:=]", line, re.IGNORECASE) is not None


def _line_spans(line: str, language: Language) -> Iterator[Span]:
    for pattern in (_QUOTED, _CALL, _TAG):
        yield from _found(pattern, line)
    yield from _whole_line(line, language)
    yield from _found(_ENV_LINE, line.rstrip())
    yield from _inline(line, language)


def _found(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        yield from _secret(match)


def _continued(line: str, following: str) -> Iterator[Span]:
    """`NAME = (` or `NAME: |` in `line`, and the value in the one that follows; its place there."""
    value = _ALONE.match(following)
    if value is None or re.search(r"[=:](?!$)", value["value"].rstrip("=")):
        return
    if not value["q"] and _CODE_VALUE.search(value["value"]):
        return
    for name in _OPENING.finditer(line):
        strength = strength_of(name["name"])
        if strength and is_secret_value(name["name"], value["value"], strength):
            yield value.span("value")


def _whole_line(line: str, language: Language) -> Iterator[Span]:
    match = _LINE.match(line.rstrip())
    if match is None or language == "code":
        return
    value = _COMMENT.sub("", match["value"]).rstrip(",; \t")
    strength = strength_of(match["name"])
    if strength is None or not is_secret_value(match["name"], value, strength):
        return
    shell = match["name"].isupper() and match["sep"] == "=" and line[match.end("name")] == "="
    if language == "text" and not shell and not _is_no_name(value, strength):
        return
    if language == "settings" and not shell and _CODE_VALUE.search(value):
        return
    yield match.start("value"), match.start("value") + len(value)


def _is_no_name(value: str, strength: Strength) -> bool:
    """Where the kind of text is unknown: neither code nor the name of a variable."""
    if _CODE_VALUE.search(value):
        return False
    if strength == "likely":
        return not looks_like_a_name(value)
    return re.fullmatch(r"[A-Za-z_]+", value) is None


def _inline(line: str, language: Language) -> Iterator[Span]:
    """`--name value`, `Name=value;` of an address or a connection string, `Name: value` of a header or a sentence."""
    for match in _FLAG.finditer(line):
        if match["sep"] == "=" or re.search(r"\d", match["value"]):
            yield from _secret(match)
    for match in _INLINE.finditer(line):
        before = line[: match.start()].rstrip(" ")[-1:]
        if match["end"] in tuple(";&\"'`\\") or before in tuple(";&?\"'") or _is_drawn(match, language):
            yield from _secret(match)
    for match in _SPACED.finditer(line):
        if _is_drawn(match, language):
            yield from _secret(match)


def _secret(match: re.Match[str]) -> Iterator[Span]:
    strength = strength_of(match["name"])
    if strength and is_secret_value(match["name"], match["value"], strength):
        yield match.span("value")


def _is_drawn(match: re.Match[str], language: Language) -> bool:
    """Whether the value of a name, in the middle of a line and without quotes, is more than a word or a variable."""
    value = match["value"]
    if _CODE_VALUE.search(value) or not re.search(r"\d", value):
        return looks_random(value) and not _CODE_VALUE.search(value) and not looks_like_a_name(value)
    certain = language != "code" and (strength_of(match["name"]) == "certain" or match["name"].isupper())
    return certain or (looks_random(value) and not looks_like_a_name(value))
