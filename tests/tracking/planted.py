"""Credentials of every known form, drawn here by form and by name, so that no scanner takes this file for a leak."""

from __future__ import annotations

import base64
import random
import string
from functools import cache

HEX, _ALNUM = "0123456789abcdef", string.ascii_letters + string.digits


def drawn(length: int, letters: str, seed: str) -> str:
    """Letters of every kind that `letters` has, the first ones first."""
    source = random.Random(f"{seed}{length}")  # noqa: S311 nothing is protected with it
    kinds = [
        kind
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits)
        if set(kind) & set(letters)
    ]
    start = [source.choice([letter for letter in kind if letter in letters]) for kind in kinds]
    return "".join(start + [source.choice(letters) for _ in range(length - len(start))])


@cache
def shapes() -> dict[str, tuple[str, str]]:
    """By issuer: a text as people have it, and the part of it that nobody may see."""

    def one(
        name: str, prefix: str, length: int, letters: str = _ALNUM, after: str = "", before: str = ""
    ) -> None:
        secret = prefix + drawn(length, letters, name)
        found[name] = (f"{before}{secret}{after}", secret)

    found: dict[str, tuple[str, str]] = {}
    one("pypi", "pypi-" + "AgEIcHlwaS5vcmc", 60)
    one("npm", "npm" + "_", 36)
    one("stripe live", "sk_li" + "ve_", 24)
    one("stripe restricted", "rk_li" + "ve_", 24)
    one("stripe test", "sk_te" + "st_", 24)
    one(
        "azure account key",
        "",
        86,
        _ALNUM,
        "==;EndpointSuffix=core.windows.net",
        "AccountName=a;Account" + "Key=",
    )
    one("azure sas", "", 43, _ALNUM, "", "https://a.blob.core.windows.net/c?sv=2022&si" + "g=")
    one("slack bot", "xox" + "b-", 40)
    one("slack app", "xap" + "p-1-", 40)
    one(
        "slack hook",
        "T0",
        9,
        string.ascii_uppercase + string.digits,
        "/B01/" + "x9",
        "https://hooks.slack" + ".com/services/",
    )
    one("discord bot", "M" + drawn(23, _ALNUM, "d") + "." + drawn(6, _ALNUM, "e") + ".", 30)
    one("discord hook", "", 60, _ALNUM, "", "https://discord.com/api/web" + "hooks/123456789012345678/")
    one("bearer", "", 32, _ALNUM, "", "curl -H 'Authorization: Bea" + "rer ")
    one("databricks", "dap" + "i", 32, HEX)
    one("aws id", "AK" + "IA", 16, string.ascii_uppercase + string.digits)
    one("aws secret", "", 40, _ALNUM + "/+", "", "aws_secret_access" + "_key = ")
    one("aws session", "", 120, _ALNUM, "", "AWS_SESSION_TO" + "KEN=")
    one("google", "AI" + "za", 35)
    one("google oauth", "GOC" + "SPX-", 28)
    one("gitlab", "glp" + "at-", 20)
    one("wandb", "", 40, HEX, "", "WANDB_API" + "_KEY=")
    one("github", "gh" + "p_", 36)
    one("github fine", "github" + "_pat_", 60)
    one("hugging face", "h" + "f_", 34)
    one("openai", "s" + "k-proj-", 48)
    one("anthropic", "s" + "k-ant-api03-", 80)
    one("twilio key", "S" + "K", 32, HEX)
    one("twilio account", "A" + "C", 32, HEX)
    one("sendgrid", "S" + "G." + drawn(22, _ALNUM, "s") + ".", 43)
    one("mailgun", "ke" + "y-", 32, HEX)
    one("telegram", "1234567890" + ":AA", 33)
    one("heroku", "", 8, HEX, "-1234-4abc-8def-0123456789ab", "HEROKU_API" + "_KEY=")
    one("digitalocean", "do" + "p_v1_", 64, HEX)
    one("shopify", "shp" + "at_", 32, HEX)
    one("square", "sq0" + "atp-", 22)
    one("age", "AGE-SECRET" + "-KEY-1", 58, string.ascii_uppercase + string.digits)
    one("vault", "hv" + "s.", 40)
    one("docker hub", "dckr" + "_pat_", 27)
    for kind in ("", "RSA ", "OPENSSH ", "EC "):
        begin, end = (f"-----{word} {kind}PRIVATE" + " KEY-----" for word in ("BEGIN", "END"))
        one(f"{kind}key", "MII", 64, _ALNUM, f"\n{end}", f"{begin}\n")
    one("pgp", "lQ", 64, _ALNUM, "", "-----BEGIN PGP PRIVATE" + " KEY BLOCK-----\n\n")
    one("jwt", "ey" + "J" + drawn(20, _ALNUM, "j") + ".ey" + "J" + drawn(30, _ALNUM, "k") + ".", 43)
    one("address", "hunter", 3, string.digits, "@host.example/db", "postgresql://anna" + ":")
    one("address, encoded", "p%40ss", 4, string.digits, "@host:5432/db", "postgresql+psycopg2://anna" + ":")
    one("address, an at sign", "p@s", 4, string.digits, "@host/db", "mysql://anna" + ":")
    one("pip index", "pw", 8, _ALNUM, "@pypi.example/simple", "--extra-index-url https://me" + ":")
    one("netrc", "pw", 8, _ALNUM, "", "machine example.org login anna pass" + "word ")
    one("connection string", "pw", 8, _ALNUM, ";Encrypt=true", "Server=tcp:h;User ID=anna;Pass" + "word=")
    one("npm auth", "", 12, _ALNUM, "", "//registry.npmjs.org/:_auth" + "Token=")
    auth = base64.b64encode(b"anna:" + drawn(9, _ALNUM, "docker").encode()).decode()
    found["docker auth"] = ('{"auths": {"r.example": {"au' + f'th": "{auth}"}}}}}}', auth)
    found["basic"] = ("Authorization: Ba" + f"sic {auth}", auth)
    return found


@cache
def named() -> dict[str, tuple[str, str]]:
    """A name and a value, as files of each kind write them: the path, its line, and the value."""
    found: dict[str, tuple[str, str]] = {}
    lines = {
        "a.py": 'db_pass{}word = "{}"',
        "b.py": 'CLIENT = {{"client_sec{}ret": "{}"}}',
        "c.py": 'WANDB_API{}_KEY = "{}"',
        "d.py": 'os.environ["X_TOK{}EN"] = "{}"',
        "e.py": 'os.environ.setdefault("X_TOK{}EN", "{}")',
        "f.py": "login(to{}ken='{}')",
        "g.py": "api{}_key: str = '{}'",
        "h.py": 'TO{}KEN = (\n    "{}"\n)',
        "i.yaml": "hf_to{}ken: {}",
        "j.yaml": "  dbPass{}word: {}  # of the lab",
        "k.yml": "secret{}: |\n  {}",
        "l.json": '{{"apiK{}ey": "{}"}}',
        "m.ini": "smtp_pass{}word = {}",
        "n.toml": 'access_to{}ken = "{}"',
        "o.cfg": "passw{}d={}",
        "p.md": "Then `export MY_SEC{}RET={}` and go.",
        "q.sh": "export LAB_TOK{}EN={}",
        "r": "MLFLOW_TRACKING_PASS{}WORD={}",
        "s.txt": "pass{}word: {}",
        "t.sh": "wget --pass{}word {} https://example.org",
        "u.sh": "curl -H 'X-API-K{}ey: {}' https://example.org",
        "v.xml": "<pass{}word>{}</password>",
        "Dockerfile": "ENV API_TOK{}EN {}",
        "w.js": "const clientSec{}ret = '{}';",
        "x.properties": "spring.datasource.pass{}word={}",
    }
    for number, (path, line) in enumerate(lines.items()):
        value = drawn(
            7 if "pass" in line.lower() or "secret" in line.lower() else 12, _ALNUM, f"{number}{path}"
        )
        found[path] = (line.format("", value) + "\n", value)
    return found
