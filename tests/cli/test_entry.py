"""`encore` runs its own rooms, whatever else on the machine has one of their names."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from encore_harness import HOME, ROOMS

_ENTRY = "from encore_harness import main; main()"
_FOREIGN = "raise RuntimeError('this is somebody else')\n"


def _encore(folder: Path, *arguments: str, code: str = _ENTRY) -> subprocess.CompletedProcess[str]:
    """As the script of an environment starts it, with `folder` on PYTHONPATH before everything of Encore's."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{HOME}"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_room_is_listed() -> None:
    packages = {file.parent.name for file in HOME.glob("*/__init__.py")} - {"benchmarks", "tests"}
    assert set(ROOMS) == packages


def test_every_list_of_rooms_in_pyproject_names_them_all() -> None:
    """Packaging, types and layers each have a list: a room that one of them forgets is neither shipped nor checked."""
    tool = tomllib.loads((HOME / "pyproject.toml").read_text())["tool"]
    rooms, linter = set(ROOMS), tool["importlinter"]
    assert {
        pattern.removesuffix("*") for pattern in tool["setuptools"]["packages"]["find"]["include"]
    } == rooms
    assert set(tool["pyright"]["include"]) == rooms | {"encore_harness.py"}
    assert set(linter["root_packages"]) == rooms
    layers, inside, mlflow, onnx, rich, circles = linter["contracts"]
    assert inside["containers"] == ["experiments"]
    assert set(circles["ancestors"]) == rooms
    assert {room for layer in layers["layers"] for room in layer.split(" | ")} == rooms
    assert set(mlflow["source_modules"]) == rooms - {"tracking"}
    assert set(onnx["source_modules"]) == rooms - {"export"}
    assert set(rich["source_modules"]) == rooms - {"cli", "host"}
    for room in tool["setuptools"]["package-data"]:
        assert room in rooms


def test_foreign_modules_of_the_rooms_names_are_passed_by(tmp_path: Path) -> None:
    for room in ROOMS[::2]:
        (tmp_path / f"{room}.py").write_text(_FOREIGN)
    for room in ROOMS[1::2]:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(_FOREIGN)
    shown = _encore(tmp_path, "train", "demo_reviews", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert '"name": "demo_reviews"' in shown.stdout
    listed = _encore(tmp_path, "catalog", "--json")
    assert listed.returncode == 0, listed.stderr


@pytest.mark.parametrize("room", ["errors", "sweeps", "cli"])
def test_what_is_loaded_in_a_rooms_place_is_named(tmp_path: Path, room: str) -> None:
    (tmp_path / f"{room}.py").touch()
    hidden = _encore(tmp_path, "catalog", code=f"import {room}; {_ENTRY}")
    assert hidden.returncode == 2
    assert hidden.stdout == ""
    assert hidden.stderr.count("\n") == 1
    assert hidden.stderr.startswith(
        f"encore: {tmp_path / room}.py: stands in the place of Encore's own {HOME / room}."
    )


def test_a_module_without_a_file_is_named_too(tmp_path: Path) -> None:
    made_up = "import types, sys; sys.modules['host'] = types.ModuleType('host')"
    hidden = _encore(tmp_path, "catalog", code=f"{made_up}; {_ENTRY}")
    assert hidden.returncode == 2
    assert "<module 'host'>: stands in the place of Encore's own" in hidden.stderr
