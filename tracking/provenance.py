"""What a run ran on: code, packages, machine, settings. Recorded, never judged."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from host.cpu import read_cpu, usable_cores
from host.files import file_digest
from host.gpu import gpus
from tracking.redaction import masked, redacted, redacted_value
from tracking.repository import git, head_commit, repository_of

LOCK_FILE = "requirements.lock"
# Of what a run leaves. From 2 on every file stands in a sealed manifest, so a run that says 2 has lost it or has it.
RECORD_FORMAT = 3
FIRST_WITH_MANIFEST = 2

# Instruction sets that change which kernels run, and with them the last bits of the results.
# fmt: off
_CPU_FLAGS = (
    "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512dq", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
    "asimd", "asimdhp", "asimddp", "bf16", "i8mm", "sve", "sve2", "sme",
)
# fmt: on

# Variables that can change numbers or speed. A fixed list: the whole environment holds secrets.
# fmt: off
_ENVIRONMENT = (
    "ATEN_CPU_CAPABILITY", "CUBLAS_WORKSPACE_CONFIG", "CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES",
    "DNNL_DEFAULT_FPMATH_MODE", "DNNL_MAX_CPU_ISA", "GOMP_CPU_AFFINITY", "HF_DATASETS_OFFLINE",
    "HF_HUB_OFFLINE", "KMP_AFFINITY", "KMP_BLOCKTIME", "LD_PRELOAD", "MALLOC_CONF", "MKL_CBWR",
    "MKL_DYNAMIC", "MKL_ENABLE_INSTRUCTIONS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE", "OMP_DYNAMIC", "OMP_NUM_THREADS", "OMP_PLACES", "OMP_PROC_BIND",
    "OMP_SCHEDULE", "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF", "TOKENIZERS_PARALLELISM", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "TRANSFORMERS_OFFLINE", "VECLIB_MAXIMUM_THREADS",
)
# fmt: on


@dataclass(frozen=True)
class Code:
    """The repository's state. `note` says why, where git could not tell.

    files: the first 16 hex digits of the sha256 of every Python file that counts, by path. folder: where the sources
    lie in their repository, with a slash at the end; "" at its top.
    """

    commit: str | None
    branch: str | None
    remote: str | None
    dirty: bool | None
    tree_digest: str
    files: dict[str, str]
    note: str | None
    folder: str = ""


@dataclass(frozen=True)
class Machine:
    """Cores as psutil counts them; `usable_cores` are those that this process may run on."""

    cpu_model: str
    cpu_flags: list[str]
    physical_cores: int | None
    logical_cores: int | None
    usable_cores: int
    memory_mib: int
    gpus: list[dict[str, str | int]]


@dataclass(frozen=True)
class Provenance:
    """Where a run's numbers come from. `torch` is None where torch is not imported (yet)."""

    code: Code
    lock_digest: str | None
    distributions: dict[str, str]
    python: str
    platform: str
    machine: Machine
    torch: dict[str, Any] | None
    environment: dict[str, str]
    command: list[str]
    record_format: int = RECORD_FORMAT

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists, ready for `json.dumps`."""
        return asdict(self)


def collect(repository: Path) -> Provenance:
    """Look at the repository, the packages and the machine; imports nothing heavy for it."""
    lock = repository / LOCK_FILE
    return Provenance(
        code=_code(repository),
        lock_digest=file_digest(lock) if lock.exists() else None,
        distributions=_distributions(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        machine=_machine(),
        torch=_torch(),
        environment=redacted_value({name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}),
        command=masked(sys.argv),
    )


def code_tree_digest(repository: Path) -> str:
    """sha256 over path and content of every Python file of the packages at the top of `repository`.

    As on disk, committed or not; tests and everything else beside the packages do not count.
    """
    digest = hashlib.sha256()
    for file in _source_files(repository):
        for part in (file.relative_to(repository).as_posix().encode(), file.read_bytes()):
            digest.update(len(part).to_bytes(8, "big"))  # so that no two trees run together alike
            digest.update(part)
    return digest.hexdigest()


def _source_files(repository: Path) -> list[Path]:
    packages = [folder for folder in repository.iterdir() if (folder / "__init__.py").is_file()]
    files = [file for package in packages for file in package.rglob("*.py")]
    return sorted(files, key=lambda file: file.relative_to(repository).as_posix())


def _code(repository: Path) -> Code:
    tree = code_tree_digest(repository)
    files = {
        file.relative_to(repository).as_posix(): file_digest(file)[:16] for file in _source_files(repository)
    }
    found = repository_of(repository)
    if isinstance(found, str):
        return Code(None, None, None, None, tree, files, redacted(found))
    status = git(repository, "status", "--porcelain", "--", ".")
    branch = redacted(git(repository, "branch", "--show-current").decode().strip())
    remotes = git(repository, "remote", "-v").decode().split()
    return Code(
        commit=head_commit(repository),
        branch=branch or None,
        remote=redacted(without_credentials(remotes[1])) if remotes else None,
        dirty=bool(status.strip()),
        tree_digest=tree,
        files=files,
        note=None,
        folder=found.folder,
    )


def without_credentials(url: str) -> str:
    """`url` without user, password and query; `git@host:path` has no secret and stays."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _distributions() -> dict[str, str]:
    """Versions of all installed distributions, by normalised name; of one installed twice, what is imported."""
    found: dict[str, str] = {}
    for dist in metadata.distributions():  # along sys.path, whose first entry wins
        found.setdefault(_normal(dist.metadata["Name"]), dist.version)
    return dict(sorted(found.items()))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _machine() -> Machine:
    cpu = read_cpu()
    return Machine(
        cpu_model=cpu.model,
        cpu_flags=[flag for flag in _CPU_FLAGS if flag in (cpu.flags or ())],
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count(),
        usable_cores=usable_cores(),
        memory_mib=psutil.virtual_memory().total // 2**20,
        gpus=[{"name": gpu.name, "driver": gpu.driver, "memory_mib": round(gpu.total_mib)} for gpu in gpus()],
    )


def _torch() -> dict[str, Any] | None:
    """Threads and numerics of torch, if it is loaded; loading it only to ask would cost seconds."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    return {
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": torch.version.cuda,
    }
