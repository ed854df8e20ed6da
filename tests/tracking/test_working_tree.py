from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UserError
from tests.small_disks import small_disk
from tests.tracking.harmless import harmless
from tests.tracking.planted import named, shapes
from tests.tracking.repositories import git, repository, write
from tracking.redaction import holds_secret, is_secret_file, redacted
from tracking.working_tree import working_tree_patch


def _tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _applied(repository: Path, patch: str, into: Path) -> dict[str, bytes]:
    """The patch on a clean checkout of the same commit."""
    git(repository, "worktree", "add", "-q", "--detach", str(into), "HEAD")
    (into.parent / "the.patch").write_bytes(patch.encode(errors="surrogateescape"))
    if "diff --git" in patch:
        git(into, "apply", str(into.parent / "the.patch"))
    return _tree(into)


def test_the_patch_restores_the_tree(tmp_path: Path) -> None:
    start = {
        "a b.txt": b"one\ntwo\n",
        "ü.txt": b"x\n",
        "gone.txt": b"x\n",
        "bin": b"\0\1",
        "latin": b"caf\xe9\n",
    }
    (tmp_path / "r").mkdir()
    top = repository(tmp_path / "r", {**start, "latin": b"caf\xe9\n", ".gitignore": b"ignored\n"})
    now = {
        **{
            "a b.txt": b"one\r\n2\n",
            "ü.txt": b"x\ny",
            "bin": b"\0\2\3",
            "latin": b"th\xe9\n",
            "staged": b"s\n",
        },
        **{
            "new/deep er.py": b"print()\n",
            "new/empty": b"",
            "neü": b"no newline",
            'quo"te': b"q\n",
            "[x]*": b"glob\n",
        },
    }
    (top / "gone.txt").unlink()
    write(top, now)
    git(top, "add", "staged")
    (top / "ignored").write_text("not this")
    index = (top / ".git" / "index").read_bytes()
    patch = working_tree_patch(top)
    assert (top / ".git" / "index").read_bytes() == index
    assert _applied(top, patch, tmp_path / "clean") == {**now, ".gitignore": b"ignored\n"}


@settings(max_examples=10, deadline=None)
@given(
    before=st.dictionaries(st.sampled_from(["a", "b/c", "b/d e"]), st.binary(max_size=60)),
    after=st.dictionaries(st.sampled_from(["a", "b/c", "b/d e", "b/n"]), st.text("ab \n\r\té", max_size=60)),
)
def test_any_text_tree_comes_back(
    before: dict[str, bytes], after: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    (folder / "r").mkdir()
    top = repository(folder / "r", before)
    for name in before:
        (top / name).unlink()
    write(top, {name: text.encode() for name, text in after.items()})
    assert _applied(top, working_tree_patch(top), folder / "clean") == _tree(top)


def test_the_users_own_settings_do_not_reach_it(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    top = repository(tmp_path / "r", {"a": b"1\n"})
    for key, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "color.ui": "always",
        "diff.external": "false",
        "diff.renames": "copies",
    }.items():
        git(top, "config", key, value)
    write(top, {"a": b"2\n"})
    assert _applied(top, working_tree_patch(top), tmp_path / "clean") == {"a": b"2\n"}


# Put together here, so that no scanner takes this file for a leak.
_PLANTED = {
    ".env": "HARMLESS_LOOKING=plantedvalue1",
    "deploy/.env.production": "X=plantedvalue2",
    "server.pem": "plantedvalue3",
    "keys/id_rsa": "plantedvalue4",
    "notes.txt": "-----BEGIN OPENSSH PRIVATE" + " KEY-----\nplantedvalue5\n",
    "script.sh": "export AWS_SECRET_ACCESS" + "_KEY=plantedvalue6/abc\n",
    "aws.txt": "id AKIA" + "ABCDEFGHIJKLMNOP plantedvalue7\n",
    "settings.py": "api_key = " + '"plantedvalue8xyz"\n',
    "hub.py": "login('hf_" + "abcdefghijklmnopqrstuvwx') # plantedvalue9\n",
    "config.yaml": "token: " + "'plantedvalue10'\n",
    "url.txt": "https://me:plantedvalue11@host.example/\n",
}


@pytest.mark.parametrize("tracked", [False, True])
def test_nothing_secret_is_in_it(tmp_path: Path, tracked: bool) -> None:
    planted = {name: content.encode() for name, content in _PLANTED.items()}
    empty = dict.fromkeys(planted, b"before\n") if tracked else {}
    top = repository(tmp_path, {"fine.py": b"a = 1\n", **empty})
    write(top, {**planted, "fine.py": b"a = 2\n", "fine_too.py": b"max_tokens = 128\n"})
    patch = working_tree_patch(top)
    assert "planted" not in patch
    assert "+a = 2" in patch
    assert "+max_tokens = 128" in patch
    for name in planted:
        assert f"# left out: {name} (looks like a credential)" in patch


def test_a_secret_that_was_removed_is_not_in_it_either(tmp_path: Path) -> None:
    top = repository(tmp_path, {"a.txt": _PLANTED["notes.txt"].encode()})
    write(top, {"a.txt": b"clean\n"})
    assert "planted" not in working_tree_patch(top)


def test_a_secret_in_a_binary_file_is_not_in_it(tmp_path: Path) -> None:
    top = repository(tmp_path, {"a.db": b"\0"})
    write(top, {"a.db": b"\0\1" + _PLANTED["aws.txt"].encode()})
    assert "# left out: a.db" in working_tree_patch(top)


def test_large_and_binary_untracked_files_are_named_only(tmp_path: Path) -> None:
    top = repository(tmp_path, {"a": b""})
    write(top, {"big.txt": b"x" * (2**20 + 1), "weights.bin": b"\0\1\2"})
    patch = working_tree_patch(top)
    assert patch == (
        "# left out: big.txt (untracked and over 1 MiB)\n# left out: weights.bin (untracked and binary)\n"
    )


def test_a_change_within_a_second_that_keeps_the_size_is_in_it(tmp_path: Path) -> None:
    """git then looks into the file, as it is no older than the index; a copy of the index must not seem newer."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "core.trustctime", "false")
    write(tmp_path, {"a.py": b"a = 1\n"})
    os.utime(tmp_path / "a.py", (10**9, 10**9))
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "-qm", "first")
    os.utime(tmp_path / ".git" / "index", (10**9, 10**9))
    (tmp_path / "a.py").write_bytes(b"a = 2\n")
    os.utime(tmp_path / "a.py", (10**9, 10**9))
    assert "+a = 2" in working_tree_patch(tmp_path)


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, {"a.py": b"print()\n"})
    assert "+print()" in working_tree_patch(tmp_path)


def test_a_clean_tree_and_no_tree(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    assert working_tree_patch(repository(tmp_path / "r", {"a": b"1"})) == ""
    (tmp_path / "plain").mkdir()
    assert working_tree_patch(tmp_path / "plain").startswith(
        "# no patch: no git: fatal: not a git repository"
    )


@pytest.mark.parametrize(
    "text",
    [
        "tokenizer = AutoTokenizer.from_pretrained(model)",
        "pad_token = tokenizer.eos_token",
        "max_tokens: int = 16384",
        "token_ids: Tensor = batch['input_ids']",
        "password = os.environ['PASSWORD']",
        "def mask_token(self, token: str) -> str:",
        "author = 'A person with a name'",
        "https://host.example/a:b@c",
        "secret: Sequence[str]",
    ],
)
def test_ordinary_code_is_no_secret(text: str) -> None:
    assert not holds_secret(text)


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        ("a/.env", True),
        (".ssh/id_ed25519.pub", True),
        ("a.KEY", True),
        ("keyboard.py", False),
        ("env.py", False),
    ],
)
def test_secret_file_names(path: str, secret: bool) -> None:
    assert is_secret_file(path) is secret


def test_the_folder_of_the_store_is_no_part_of_the_code(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    top = repository(tmp_path / "r", {"a.py": b"1\n"})
    write(top, {"runs/artifacts/x/run/config.json": b"{}\n", "b.py": b"print()\n"})
    patch = working_tree_patch(top, exclude=top / "runs")
    assert "+print()" in patch
    assert "config.json" not in patch


@pytest.mark.parametrize("tracked", [False, True])
def test_every_form_of_credential_stays_out(tmp_path: Path, tracked: bool) -> None:
    """One file for each issuer and each way of naming, and one with the secret in its path."""
    planted = {f"issuer {number}.txt": text for number, (text, _) in enumerate(shapes().values())}
    planted |= {path: text for path, (text, _) in named().items()}
    (path_text, path_secret) = shapes()["hugging face"]
    planted[f"notes {path_text}.txt"] = "nothing\n"
    before = dict.fromkeys(planted, b"before\n") if tracked else {}
    top = repository(tmp_path, {"fine.py": b"a = 1\n", **before})
    harmless_text = "".join(f"{line}\n" for line in harmless())
    kept = {"fine.py": "a = 2\n", "harmless.md": harmless_text, "harmless.py": harmless_text}
    write(top, {name: text.encode() for name, text in {**planted, **kept}.items()})
    patch = working_tree_patch(top)
    secrets = [secret for _, secret in (*shapes().values(), *named().values())]
    assert [secret for secret in (*secrets, path_secret) if secret in patch] == []
    assert patch.count("# left out: ") == len(planted)
    assert redacted(patch) == patch  # where it is written nothing more is taken from it, so it applies
    assert all(f"b/{name}\n" in patch for name in kept)


def test_a_change_in_the_middle_of_a_key_is_not_in_it(tmp_path: Path) -> None:
    begin, end = (f"-----{word} RSA PRIVATE" + " KEY-----\n" for word in ("BEGIN", "END"))
    lines = [f"{number:02d}{'k' * 60}\n" for number in range(24)]
    top = repository(tmp_path, {"a.txt": "".join([begin, *lines, end]).encode()})
    lines[12] = "plantedvalue\n"
    write(top, {"a.txt": "".join([begin, *lines, end]).encode()})
    assert working_tree_patch(top) == "# left out: a.txt (looks like a credential)\n"


@pytest.mark.parametrize("kib", [0, 4, 8, 12, 100])
def test_no_room_for_gits_own_temporary_files_is_said_of_their_folder(
    tmp_path: Path, kib: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r").mkdir()
    top = repository(tmp_path / "r", {f"{i:03} {'long name' * 10}": b"x\n" for i in range(100)})
    write(top, {"new": b"n\n"})
    index = (top / ".git" / "index").stat().st_size // 1024
    with small_disk(tmp_path / "disk", index + kib) as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        if kib == 100:
            assert "new" in working_tree_patch(top)
            return
        with pytest.raises(UserError, match="the disk is full") as told:
            working_tree_patch(top)
        assert told.value.where.startswith(str(disk))
        assert told.value.where.endswith("(TMPDIR)")
