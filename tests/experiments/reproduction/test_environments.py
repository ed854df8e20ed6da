"""The recorded lock holds pins alone, and an environment counts when it is whole."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from encore_harness import HOME
from errors import UserError
from experiments.reproduction.environments import is_complete, missing, python_with
from experiments.reproduction.lock import Lock, pins_of, read_lock


def _lock(folder: Path, text: str) -> Path:
    (folder / "requirements.lock").write_text(text)
    return folder / "requirements.lock"


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://evil.example/simple",
        "-i https://evil.example/simple",
        "--extra-index-url=https://evil.example",
        "--find-links /tmp/wheels",
        "-f /tmp/wheels",
        "-r other.txt",
        "-c other.txt",
        "-e .",
        "--no-binary :all:",
        "--pre",
        "--trusted-host evil.example",
        "rich @ https://evil.example/rich.whl",
        "rich==15 ; python_version > '3' @ file:///x",
        "./local",
        "https://evil.example/rich.whl",
        "file:///tmp/rich.whl",
        "git+https://evil.example/rich",
        "rich>=15",
        "rich",
        "rich==15.* --global-option=x",
        "rich==15 --config-settings=a=b",
        "rich==15 \\\n--index-url https://evil.example",
        "rich==15 --hash=md5:00",
        "${EVIL}==1",
    ],
)
def test_a_lock_with_anything_but_pins_is_refused(tmp_path: Path, line: str) -> None:
    file = _lock(tmp_path, f"torch==2.13.0\n{line}\n")
    with pytest.raises(UserError, match="a line that is no pin"):
        read_lock(file)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = []\n')
    with pytest.raises(UserError, match="a line that is no pin"):
        python_with(tmp_path, "0" * 64, own=True, busy=lambda _: nullcontext())


def test_this_projects_lock_and_one_with_hashes_are_read(tmp_path: Path) -> None:
    ours = read_lock(HOME / "requirements.lock")
    assert ours.versions["torch"] == {"2.13.0"}
    assert not ours.hashed
    hashes = " \\\n    ".join(f"--hash=sha256:{digit * 64}" for digit in "ab")
    lock = read_lock(_lock(tmp_path, f"# made by a tool\nRich_Text==15 \\\n    {hashes}\n"))
    assert lock == Lock({"rich-text": frozenset({"15"})}, hashed=True)
    assert pins_of((tmp_path / "requirements.lock").read_text()) == {"Rich_Text==15"}


@pytest.mark.parametrize(
    "dependency", ["evil @ https://evil.example/evil.whl", "--index-url x", "evil @ file:///x"]
)
def test_a_project_whose_dependencies_are_addresses_is_refused(tmp_path: Path, dependency: str) -> None:
    _lock(tmp_path, "torch==2.13.0\n")
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\ndependencies = ["{dependency}"]\n')
    with pytest.raises(UserError, match=r"pyproject\.toml"):
        python_with(tmp_path, "0" * 64, own=True, busy=lambda _: nullcontext())


def _installed(folder: Path, name: str, version: str, *, needs: str = "") -> Path:
    """A distribution as pip leaves it; its one module."""
    site = folder / "lib" / "python3.11" / "site-packages"
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    module = site / f"{name}.py"
    module.write_text("x = 1\n")
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")
    (info / "RECORD").write_text(f"{name}.py,sha256=x,6\n{name}-{version}.dist-info/RECORD,,\n")
    return module


def test_an_environment_counts_when_all_that_is_asked_for_is_whole(tmp_path: Path) -> None:
    lock = Lock({"a": frozenset({"1"}), "b": frozenset({"2"})}, hashed=False)
    asked = [Requirement("a[more]")]
    assert not is_complete(tmp_path, lock, asked)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    (tmp_path / "complete").touch()
    assert not is_complete(tmp_path, lock, asked)
    _installed(tmp_path, "a", "1", needs="b>=1; extra == 'more'")
    assert not is_complete(tmp_path, lock, asked)
    module = _installed(tmp_path, "b", "2+cpu")
    assert is_complete(tmp_path, lock, asked)
    assert not is_complete(tmp_path, Lock({"b": frozenset({"3"})}, hashed=False), asked)
    module.write_text("x = 1")
    assert not is_complete(tmp_path, lock, asked)
    module.unlink()
    assert not is_complete(tmp_path, lock, asked)


def test_a_lock_that_cannot_be_installed_is_refused_by_the_pin_that_is_missing() -> None:
    stdout = "The conflict is caused by:\n    The user requested (constraint) rich==99.9\n"
    stderr = (
        "ERROR: Ignored the following versions: 1\nERROR: Cannot install rich>=15 because of conflicts.\n"
    )
    assert missing(stdout, stderr) == "ERROR: Cannot install rich>=15 because of conflicts., rich==99.9"
    assert missing("", "ERROR: No matching distribution found for rich==99.9") == (
        "ERROR: No matching distribution found for rich==99.9"
    )
    assert missing("", "") == "no reason given"
