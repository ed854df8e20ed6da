"""What credentials look like by themselves, whatever name stands beside them.

The forms are those that their issuers document; each needs enough of its kind's letters that words, paths, commits
and checksums do not have it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tracking.plain_words import reads_as_words

Span = tuple[int, int]


@dataclass(frozen=True)
class Shape:
    """A form of credential. `sign`: lower-case text without which the pattern, which is dearer, is not tried.

    The group `secret`, where the pattern has one, is the part to hide; else all of it is.
    """

    sign: str
    pattern: re.Pattern[str]
    mixed: bool  # whether the secret must have a small letter, a capital and a digit
    worded: bool  # whether names that people give have the form too: `sk-learn-distilbert-base` is none
    begins_a_word: bool

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """As `finditer`. That a word begins is looked at afterwards: with it in the pattern, a search takes ten times
        as long."""
        position = 0
        while (match := self.pattern.search(text, position)) is not None:
            inside = self.begins_a_word and match.start() > 0 and _WORD.match(text[match.start() - 1])
            position = match.start() + 1 if inside else max(match.end(), match.start() + 1)
            if not inside:
                yield match


_WORD = re.compile(r"\w")


def _shape(sign: str, pattern: str, *, flags: int = 0, mixed: bool = False, worded: bool = False) -> Shape:
    bare = pattern.removeprefix(r"\b")
    return Shape(sign, re.compile(bare, flags), mixed, worded, bare != pattern)


_I = re.IGNORECASE
_IS = r"[\"']?\s*[:=,]\s*[bf]?[\"']?"
_GAP = r"\s[\s+]*+"  # in a patch the next line begins with a plus
_LOGIN = rf"(?:machine\s++\S++|default){_GAP}login\s++\S++{_GAP}(?:account\s++\S++{_GAP})?password"
_ARMOUR = r"[A-Z0-9 ]*PRIVATE KEY"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Between an issuer's name and a number that may be its key: words that say what else it is, or the rest of a path.
_NO_NUMBER_OF = (
    r"(?![\w.-]*/[\w./-]*(?<=/))"
    r"(?:(?!commit|revision|run|artifact|digest|sha|hash|checksum|version|app\b|dyno|pipeline)[^\n]){0,40}?(?<!/)"
)

_PRIVATE_KEY = _shape(
    "private key", rf"-----BEGIN {_ARMOUR}(?s:.*?)(?:-----END {_ARMOUR}(?: BLOCK)?-----|\Z)"
)

# fmt: off
SHAPES = (
    # Keys in armour, to their end or to the end of the text.
    _PRIVATE_KEY,
    _shape("putty-user-key-file", r"PuTTY-User-Key-File-\d(?s:.*)"),
    _shape("age-secret-key-1", r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    # Clouds
    _shape("a", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    _shape("aws", r"aws.{0,40}?[^\w/+](?P<secret>[A-Za-z0-9/+]{40})(?![\w/+=])", flags=_I, mixed=True),
    _shape("aiza", r"\bAIza[\w-]{30,}"),
    _shape("gocspx-", r"\bGOCSPX-[\w-]{20,}"),
    _shape("ya29.", r"\bya29\.[\w-]{20,}"),
    _shape("1//0", r"\b1//0[\w-]{30,}"),
    _shape("accountkey", r"\bAccountKey\s*=\s*(?P<secret>[\w+/]{20,}=*)", flags=_I),
    _shape("sharedaccess", r"\bSharedAccess(?:Key|Signature)\s*=\s*(?P<secret>[^\s;\"']{16,})", flags=_I),
    _shape("sig=", r"[?&;\s\"']sig=(?P<secret>[\w%+/=-]{16,})", flags=_I, worded=True),
    _shape("q~", r"\b[\w~.-]{3}\dQ~[\w~.-]{31,34}"),
    _shape("dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    _shape("dose", r"\bdose[0-9a-f]{32}\b"),
    _shape("_v1_", r"\bdo[opr]_v1_[0-9a-f]{32,}"),
    _shape("heroku", rf"heroku{_NO_NUMBER_OF}(?P<secret>\b{_UUID}\b)", flags=_I),
    _shape("hrku-", r"\bHRKU-[\w-]{20,}", worded=True),
    _shape("hvs.", r"\bhv[sbr]\.[\w-]{20,}", worded=True),
    # Code and packages
    _shape("gh", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    _shape("github_pat_", r"\bgithub_pat_\w{20,}"),
    _shape("gl", r"\bgl(?:pat|dt|rt|rtr|ptt|ft|cbt|soat|agent|imt|oas|ffct)-[\w.=-]{16,}", worded=True),
    _shape("pypi-", r"\bpypi-[\w-]{32,}", mixed=True),
    _shape("npm_", r"\bnpm_[A-Za-z0-9]{20,}", worded=True),
    _shape("_authtoken", r"_authToken\s*=\s*(?P<secret>[^\s\"'$]{4,})", flags=_I),
    _shape("dckr_pat_", r"\bdckr_(?:pat|oat)_[\w-]{20,}"),
    _shape("rubygems_", r"\brubygems_[0-9a-f]{40,}"),
    # Models and experiments
    _shape("hf_", r"\bhf_[A-Za-z0-9]{20,}", worded=True),
    _shape("api_org_", r"\bapi_org_[A-Za-z0-9]{20,}", worded=True),
    _shape("sk-", r"\bsk-(?=[\w-]{0,200}\d)[\w-]{20,}", worded=True),
    _shape("gsk_", r"\bgsk_[A-Za-z0-9]{30,}", worded=True),
    _shape("r8_", r"\br8_[A-Za-z0-9]{30,}", worded=True),
    _shape("wandb", rf"wandb{_NO_NUMBER_OF}(?P<secret>\b[0-9a-f]{{40}}\b)", flags=_I),
    _shape("wandb_v1_", r"\bwandb_v1_\w{20,}"),
    # Talk
    _shape("xox", r"\bxox[a-z](?:\.xox[a-z])?-[\w-]{10,}", worded=True),
    _shape("xapp-", r"\bxapp-[\w-]{10,}", worded=True),
    _shape("hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[\w/-]{8,})", flags=_I),
    _shape("/api/webhooks/", r"/api/webhooks/(?P<secret>\d{5,}/[\w-]{16,})", flags=_I),
    _shape("webhook.office.com/", r"webhook\.office\.com/(?P<secret>\w+/[\w@/-]{20,})", flags=_I),
    _shape(".", r"\b[MNO][\w-]{22,27}\.[\w-]{6,7}\.[\w-]{27,}", mixed=True),  # Discord
    _shape(":", r"(?<![\w:])\d{8,10}:(?![0-9a-f]{35})[\w-]{35}(?![\w-])"),  # Telegram
    # Money and mail
    _shape("k_", r"\b[srp]k_(?:live|test|prod)_[A-Za-z0-9]{8,}"),
    _shape("whsec_", r"\bwhsec_[A-Za-z0-9+/=]{16,}", worded=True),
    _shape("sq0", r"\bsq0[a-z]{3}-[\w-]{20,}", worded=True),
    _shape("eaaa", r"\bEAAA[\w-]{40,}", mixed=True),
    _shape("shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{24,}"),
    _shape("sk", r"\bSK[0-9a-f]{32}\b"),  # Twilio
    _shape("ac", r"\bAC[0-9a-f]{32}\b"),
    _shape("sg.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    _shape("key-", r"(?<!/)\bkey-[0-9a-zA-Z]{32}\b"),  # Mailgun
    _shape("-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),  # Mailchimp
    # Sign-ins of no one issuer
    _shape("eyj", r"\beyJ[\w-]{8,1000}+\.eyJ[\w-]{8,}+\.[\w-]*"),
    _shape("bearer", r"\bBearer\s+(?P<secret>(?=[\w.~+/-]*\d)[\w.~+/-]{8,}=*)", flags=_I, worded=True),
    _shape("authorization", rf"\bAuthorization{_IS}(?:Token|Bearer|ApiKey)\s+(?P<secret>[^\s\"'{{$<]{{6,}})", flags=_I),
    _shape("login", rf"\b{_LOGIN}\s++(?P<secret>\S+)", flags=_I),
    _shape("auth", r"\bauth\s*=\s*\(\s*[\"'][^\"'\n]*[\"']\s*,\s*[\"'](?P<secret>[^\"'\n]+)", flags=_I),
)
# fmt: on

# A user and a password in an address: the password may hold @ and / where nothing but a port could stand before one.
_SCHEME = r"(?<![a-z0-9])[a-z][a-z0-9+.-]{0,30}:/{1,3}"  # a path has taken one of the two for a double
_ADDRESS = re.compile(
    rf"""{_SCHEME}(?P<user>[^\s/:@"'<>`\[\]]{{0,200}}):(?P<password>[^\s/"'<>`@][^\s"'<>`]{{0,300}}?)@""", _I
)
_TOKEN_ADDRESS = re.compile(rf"{_SCHEME}(?P<user>[\w-]{{20,200}})@", _I)
_BASIC = re.compile(r"""\b(?:Basic\s+|_?auth["']?\s*[:=]\s*["']?)(?P<secret>[A-Za-z0-9+/]{6,}={0,2})""", _I)
_TEMPLATE = re.compile(r"^(?:\{.*\}|\$.*|%\(.*\)s|%s|\*+|\[.*\]|\\.*)$")


def holds_private_key(text: str) -> bool:
    """Whether a key in armour stands in `text`."""
    return _PRIVATE_KEY.pattern.search(text) is not None


def shape_spans(text: str) -> Iterator[Span]:
    """Where in `text` something stands that has the form of a credential."""
    lowered = text.lower()
    for shape in SHAPES:
        if shape.sign not in lowered:
            continue
        for match in shape.matches(text):
            group = "secret" if "secret" in shape.pattern.groupindex else 0
            secret = match[group]
            if (not shape.mixed or _is_mixed(secret)) and not (shape.worded and reads_as_words(secret)):
                yield match.span(group)
    if ":/" in lowered:
        yield from _address_spans(text)
    if "basic" in lowered or "auth" in lowered:
        yield from _basic_spans(text)


def _is_mixed(secret: str) -> bool:
    return all(re.search(kind, secret) for kind in ("[a-z]", "[A-Z]", "[0-9]"))


def _address_spans(text: str) -> Iterator[Span]:
    for match in _ADDRESS.finditer(text):
        password = match["password"]
        end = match.end()
        while (
            more := re.match(r"[^\s/\"'<>`@]*@(?=[\w\[%])", text[end:])
        ) is not None:  # an @ in the password itself
            end += more.end()
        before_slash, slash, _ = password.partition("/")
        is_port = bool(slash) and before_slash.isdecimal()
        if not is_port and not _TEMPLATE.match(password):
            yield match.start("user"), end - 1
    for match in _TOKEN_ADDRESS.finditer(text):
        if re.search(r"\d", match["user"]):
            yield match.span("user")


def _basic_spans(text: str) -> Iterator[Span]:
    """Base64 of `user:password`, as HTTP's basic scheme, docker and npm write it."""
    for match in _BASIC.finditer(text):
        secret = match["secret"]
        try:
            plain = base64.b64decode(secret + "=" * (-len(secret) % 4), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if ":" in plain and plain.isprintable():
            yield match.span("secret")
