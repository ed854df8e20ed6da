"""Folders as somebody may prepare them, given as a model: nothing of them runs, nothing is written elsewhere."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from datamodules.tokenizers import load_tokenizer
from errors import UserError
from host.model_folder import SHARD, ModelFolder, private_folder
from lightning_modules.distilbert import Dropouts, pretrained_distilbert
from lightning_modules.gpt2 import pretrained_gpt2
from tests.hostile import CASES, Case, contents, edited, encoder, fake_kernels, storyteller

PAIRS = [(case, family) for case in CASES for family in case.families]
# What is of no harm once only the listed files are read; every other case is refused.
LOADED = {
    "custom-generate",
    "pickle-beside",
    "adapter",
    "chat-template-names",
    "chat-template-files",
    "tokenizer-file-elsewhere",
    "vocab-file-elsewhere",
    "merges-file-elsewhere",
    "index-nested-10000",
    "extra-tokens-list",
    "tuples-instead-of-answers",
    "generation-config-odd",
}
# A process of its own: transformers looks for `kernels` when it is imported.
LOAD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from datamodules.tokenizers import load_tokenizer
from errors import UserError
from lightning_modules.gpt2 import pretrained_gpt2
for folder in sys.argv[2:]:
    try:
        load_tokenizer(folder, local_files_only=True)
        pretrained_gpt2(folder, revision="main", local_files_only=True, pad_token_id=0, dropout=0.1)
    except UserError as error:
        print(error)
    assert not Path(sys.argv[1], "marker").exists()
from transformers import GPT2LMHeadModel
try:
    GPT2LMHeadModel.from_pretrained(folder, local_files_only=True)
except Exception as error:
    print(type(error))
assert Path(sys.argv[1], "marker").exists(), "the library itself fetches the kernel, or this proves nothing"
"""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("healthy")
    return {"distilbert": encoder(folder / "distilbert"), "gpt2": storyteller(folder / "gpt2")}


def load(family: str, folder: Path, saved: Path) -> None:
    """Tokenizer and model as a run reads and keeps them."""
    tokenizer = load_tokenizer(str(folder), local_files_only=True)
    if family == "distilbert":
        dropouts = Dropouts(0.1, 0.1, 0.1)
        model = pretrained_distilbert(
            str(folder), revision="main", local_files_only=True, labels=("bad", "good"), dropouts=dropouts
        )
    else:
        model = pretrained_gpt2(
            str(folder), revision="main", local_files_only=True, pad_token_id=0, dropout=0.1
        )
    tokenizer.save_pretrained(saved)
    model.save_pretrained(saved)


@pytest.mark.parametrize(("case", "family"), PAIRS, ids=[f"{case.name}-{family}" for case, family in PAIRS])
def test_nothing_of_a_hostile_folder_runs_and_it_is_one_line(
    case: Case, family: str, healthy: dict[str, Path], tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder, outside, saved = tmp_path / "folder", tmp_path / "outside", tmp_path / "a" / "b" / "saved"
    shutil.copytree(healthy[family], folder)
    outside.mkdir()
    case.plant(folder, outside / "marker")
    before = contents(outside)
    began = time.monotonic()
    said = ""
    try:
        load(family, folder, saved)
    except UserError as error:
        said = str(error)
    assert time.monotonic() - began < 20  # it is done in well under a second, and would be minutes or never
    assert (said == "") == (case.name in LOADED)
    assert "\n" not in said
    assert len(said) < 500
    assert len(capfd.readouterr().err.splitlines()) <= 1
    assert contents(outside) == before
    names = {path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*.*")}
    assert {name.rpartition("/")[0] for name in names} <= {"b/saved"}
    assert not [name for name in names if "jinja" in name or name.endswith((".py", ".bin"))]
    assert not [name for name in names if "chat_template" in (tmp_path / "a" / name).read_text("latin-1")]


@pytest.mark.slow
def test_no_config_reaches_a_kernel_of_the_hub_where_the_package_for_it_is_installed(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    fake_kernels(tmp_path / "kernels", tmp_path / "kernels" / "marker")
    cases = [case for case in CASES if case.name.startswith(("custom-generate", "attention"))]
    for case in cases:
        shutil.copytree(healthy["gpt2"], tmp_path / case.name)
        case.plant(tmp_path / case.name, tmp_path / "kernels" / "marker")
    folders = [str(tmp_path / case.name) for case in cases]
    assert folders[-3].endswith("internal")
    folders.append(folders.pop(-3))  # the last is also given to the library itself
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path / "kernels"), *folders], check=True, timeout=300)


def test_the_planted_code_would_run(healthy: dict[str, Path], tmp_path: Path) -> None:
    """transformers itself runs it: without this the tests above would prove nothing."""
    from transformers import GPT2LMHeadModel

    shutil.copytree(healthy["gpt2"], tmp_path / "folder")
    next(case for case in CASES if case.name == "custom-generate").plant(
        tmp_path / "folder", tmp_path / "marker"
    )
    GPT2LMHeadModel.from_pretrained(tmp_path / "folder", local_files_only=True)
    assert (tmp_path / "marker").exists()


def test_a_folder_of_the_hubs_cache_is_read_through_its_links(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    snapshot, blobs = (
        tmp_path / "models--lab--small" / "snapshots" / "0123",
        tmp_path / "models--lab--small" / "blobs",
    )
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for number, file in enumerate(sorted(healthy["distilbert"].iterdir())):
        shutil.copy(file, blobs / str(number))
        (snapshot / file.name).symlink_to(Path("../../blobs") / str(number))
    load("distilbert", snapshot, tmp_path / "saved")
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").symlink_to(healthy["distilbert"] / "config.json")
    with pytest.raises(UserError, match=r"config\.json is a link that leads out of the folder"):
        load("distilbert", snapshot, tmp_path / "saved")


def test_weights_in_shards_are_read(healthy: dict[str, Path], tmp_path: Path) -> None:
    from transformers import DistilBertModel

    folder = tmp_path / "sharded"
    shutil.copytree(healthy["distilbert"], folder)
    (folder / "model.safetensors").unlink()
    DistilBertModel.from_pretrained(healthy["distilbert"]).save_pretrained(folder, max_shard_size="2KB")
    assert len(ModelFolder(folder, where="here").weights()) > 1
    assert all(SHARD.fullmatch(name) for name in ModelFolder(folder, where="here").weights())
    load("distilbert", folder, tmp_path / "saved")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_pointer_in_the_place_of_a_file_is_told_as_one(
    name: str, healthy: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(healthy["distilbert"], tmp_path / "folder")
    (tmp_path / "folder" / name).write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"
    )
    with pytest.raises(
        UserError, match=rf"{name} is a pointer of Git LFS and not the file itself. Fetch that"
    ):
        load("distilbert", tmp_path / "folder", tmp_path / "saved")


@pytest.mark.parametrize("family", ["distilbert", "gpt2"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pad_token_id", True),
        ("pad_token_id", 10**30),
        ("pad_token_id", "x"),
        ("layer_norm_epsilon", -1),
        ("attention_dropout", 10**400),
        ("initializer_range", 2),
    ],
)
def test_a_number_that_no_model_has_is_refused(
    key: str, value: object, family: str, healthy: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(healthy[family], tmp_path / "folder")
    edited(tmp_path / "folder", "config.json", **{key: value})
    with pytest.raises(UserError, match=rf"config\.json sets {key} to .*, which is no "):
        load(family, tmp_path / "folder", tmp_path / "saved")


@pytest.mark.parametrize(
    "planted",
    [
        lambda folder: (folder / "1_Pooling").mkdir(),
        lambda folder: (folder / "README.md").write_text("# An encoder"),
        lambda folder: edited(
            folder, "config.json", _attn_implementation_autoset=True, torch_dtype="float32"
        ),
        lambda folder: edited(folder, "config.json", tokenizer_class="BertTokenizer", output_past=True),
        lambda folder: edited(folder, "config.json", transformers_version="5.24.0", bos_token_id=None),
    ],
)
def test_what_save_pretrained_and_other_tools_write_loads_without_a_word(
    planted: Callable[[Path], object],
    healthy: dict[str, Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(healthy["distilbert"], tmp_path / "folder")
    planted(tmp_path / "folder")
    load("distilbert", tmp_path / "folder", tmp_path / "saved")
    assert capfd.readouterr().err == ""


def test_a_repository_of_the_hubs_cache_is_read_without_a_hub(
    healthy: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--lab--small" / "snapshots" / commit
    dropouts = Dropouts(0.1, 0.1, 0.1)

    def model() -> object:
        return pretrained_distilbert(
            "lab/small", revision=commit, local_files_only=True, labels=("bad", "good"), dropouts=dropouts
        )

    with pytest.raises(UserError, match="the model lab/small is not in the cache and no hub can be reached"):
        model()
    snapshot.mkdir(parents=True)
    for file in healthy["distilbert"].iterdir():
        if file.name != "model.safetensors":
            shutil.copy(file, snapshot)
    assert load_tokenizer("lab/small", local_files_only=True, revision=commit).name_or_path == "lab/small"
    with pytest.raises(UserError, match="the model lab/small is not in the cache"):
        model()
    shutil.copy(healthy["distilbert"] / "model.safetensors", snapshot)
    assert model() is not None


def test_a_full_disk_elsewhere_is_not_that_of_the_private_copy() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    held = private_folder({"config.json": b"{}"}, {})
    folder = held.__enter__()
    assert [file.name for file in folder.iterdir()] == ["config.json"]
    assert held.__exit__(type(full), full, None) is False  # it passes as it is
    assert not folder.exists()
