"""What names credentials have, and which values beside such a name are none."""

from __future__ import annotations

import re
from typing import Literal

from tracking.plain_words import reads_as_words

Strength = Literal["certain", "likely"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SECRET_WORDS = tuple(
    _words(
        """
    password passwd passphrase passcode pwd secret apikey accesskey secretkey privatekey accountkey
    authtoken accesstoken apitoken bottoken hftoken
    """
    )
)
_LIKELY_WORDS = _words("secrets auth authorization credential credentials creds webhook sas dsn")
# `<one of these> key`
_SECRET_KEYS = _words(
    """
    api access secret private account auth encryption signing master storage subscription ssh jwt hmac
    fernet wandb openai anthropic mistral cohere groq stripe sendgrid datadog sentry vault license deploy
    webhook
    """
)
_LIKELY_KEYS = _words(
    """
    app application admin server consumer client service session shared user write read function host team
    project integration routing
    """
)
# `<one of these> token`: who issues one, and what one is for
_SECRET_TOKENS = _words(
    """
    access auth api refresh bearer hf hub huggingface github gh gitlab gl git slack discord telegram bot jwt
    oauth session csrf xsrf security secret personal pat deploy ci npm pypi twine docker registry wandb
    mlflow tracking databricks azure aws gcp google vault consul tf sas sentry datadog stripe shopify square
    twilio sendgrid openai anthropic replicate kaggle comet neptune clearml admin user client service
    private login cookie upload codecov sonar jira notion heroku netlify vercel cloudflare webhook push
    reset verification identity web
    """
)
# Words of language models beside `token`: nothing of theirs is secret, whatever its form.
_MODEL_TOKENS = _words(
    """
    pad padding eos bos unk sep cls mask end start stop special next prev previous first last image audio
    video per new each one any sub word text begin beginning max min num byte char current cur target source
    src tgt input output prompt vocab added control separator newline space blank fill decoder encoder
    forced empty single draft accepted rejected sampled likely most predicted gold label class register
    query visual im img patch eot eod eom boi eoi sos role assistant tool think reasoning entity mention
    unknown known rare masked oov boundary delimiter continuation additional additional_special lone ended
    ending second third punctuation dummy of by from to is has with
    """
)
# `<one of these> pass`: of what, and not through what
_SECRET_PASSES = _words(
    """
    db database smtp imap mysql pg postgres mongo redis user root admin mail email ftp ssh my api sudo login http
    proxy wifi store client server service app ldap es mqtt
    """
)
_TRAILING = _words(
    """
    base value val prod production dev test staging live old new default str string text raw plain plaintext
    b64 base64 here local
    """
)
_PLACEHOLDERS = _words(
    """
    none null nil true false yes no on off str string int bool bytes float any object optional required
    undefined nan changeme change-me change_me example placeholder dummy redacted hidden todo tbd missing
    unset empty default secretstr text field self default_factory literal password passwd secret token
    passphrase credentials wrong invalid foo bar baz auto basic bearer prompt env
    """
)
_TEMPLATE = re.compile(
    r"""^(?:[bruf]?["']?)?(?:<.*>|\$.*|\W*\{.*\}\W*|.*\.{3}.*|[\w-]*x{3,}|%\(.*\)s|%[a-z]|\[.*\]|@.*@|\*+|x{3,}|\.{2,}|-+|_+|…)$""",
    re.I,
)
_YOURS = re.compile(
    r"^(?:your|my|the|an?|some|insert|enter|put|add|replace|fake|test|sample)[-_ ]", re.IGNORECASE
)
_SENTENCE = re.compile(
    r"[.!?:]$|^(?:the|a|an|your|enter|is|are|to|for|of|and|or|not|must|that|this|used|wrong|invalid|missing)\b",
    re.IGNORECASE,
)
_LONGEST_PHRASE = 6


def strength_of(name: str) -> Strength | None:
    """How surely something called `name` is a credential: `DB_PASSWORD`, `clientSecret`, `hf-token`; not `pad_token`.

    A likely one counts only beside a value that looks drawn at random.
    """
    words = words_of(name)
    while len(words) > 1 and (words[-1] in _TRAILING or words[-1].isdecimal()):
        words.pop()
    if not words or len(name) > 120:
        return None
    last, before = words[-1], set(words[:-1])
    if last in {"pwd", "oldpwd"} and not before:
        return None  # the working directory
    if last.endswith(_SECRET_WORDS):
        return "certain"
    match last:
        case "key":
            of = words[-2] if before else ""
            return "certain" if of in _SECRET_KEYS else "likely" if before & _LIKELY_KEYS else None
        case "token" | "tokens":
            return _strength_of_token(before, plural=last == "tokens")
        case "pass":
            return "certain" if before & _SECRET_PASSES else None
        case _:
            is_token = last.endswith("token") and last.removesuffix("token") not in _MODEL_TOKENS
            return "likely" if is_token or last in _LIKELY_WORDS else None


def _strength_of_token(before: set[str], *, plural: bool) -> Strength | None:
    if before & _MODEL_TOKENS:
        return None
    if before & _SECRET_TOKENS:
        return "likely" if plural else "certain"
    return None if plural else "likely"


def words_of(name: str) -> list[str]:
    """The words of a name, in small letters: `hfToken`, `HF_TOKEN` and `hf-token` are hf and token."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", apart) if word]


def is_secret_value(name: str, value: str, strength: Strength) -> bool:
    """Whether `value` beside such a name is a credential, and no placeholder, type, template or piece of code."""
    value = value.strip()
    if is_placeholder(name, value):
        return False
    if strength == "likely" or re.fullmatch(r"[\w-]+(?:\.[\w-]+)*\(.*", value):
        return looks_random(value) and not reads_as_words(value)
    if re.search(r"\s", value):
        return _is_phrase(name, value)
    return True


def is_placeholder(name: str, value: str) -> bool:
    bare = value.strip("\"'").lower()
    if bare in _PLACEHOLDERS or not re.search(r"\w", bare) or _TEMPLATE.match(value) or _YOURS.match(bare):
        return True
    if re.fullmatch(r"\d+(?:\.\w+)+", bare) or re.fullmatch(r"\d{1,3}", bare):  # a version, a count
        return True
    if re.fullmatch(r"[a-z_-]+", bare) and set(words_of(value)) <= {
        *words_of(name),
        *_PLACEHOLDERS,
        "key",
        "my",
        "api",
    }:
        return True
    return len(set(bare)) == 1 and len(bare) > 2


def looks_random(value: str) -> bool:
    """At least eight characters without a space, letters and digits mixed, and neither a path nor a version."""
    if (
        len(value) < 8
        or re.search(r"[\s\[\]<>{}()|,]", value)
        or value.startswith(("/", "./", "../", "~/", "--"))
    ):
        return False
    if "://" in value or re.fullmatch(r"v?\d+(?:[.-]\w+)*", value):
        return False
    letters, digits = re.search("[A-Za-z]", value), re.search(r"\d", value)
    if letters and digits:
        return True
    words = re.fullmatch(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[A-Z][a-z]+)*", value)  # of a class
    return (
        len(value) >= 20 and words is None and bool(re.search("[a-z]", value) and re.search("[A-Z]", value))
    )


def looks_like_a_name(value: str) -> bool:
    """Whether code may call a variable so: words in letters, each with a digit or two at its end."""
    word = r"(?:[a-z]+|[A-Z]+|[A-Z][a-z]+)\d{0,2}"
    return re.fullmatch(rf"_*{word}(?:_+{word})*_*", value) is not None


def _is_phrase(name: str, value: str) -> bool:
    """A few words that are no sentence may be a passphrase."""
    if not words_of(name)[-1].startswith(("pass", "pwd")):
        return False
    if value.split()[0].strip(",;:").lower() in _PLACEHOLDERS:  # a type and its description
        return False
    return len(value.split()) <= _LONGEST_PHRASE and _SENTENCE.search(value) is None
