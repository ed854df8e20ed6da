"""What a server does to the process that it is: what it imports, where it listens, how it ends."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from benchmarks.serving.client import Load, closed_loop, open_loop, request
from runs.files import RunFiles
from tests.processes import encore
from tests.serving.servers import Running, modules_of, serving
from tests.serving.tampering import refused

HEAVY = {"torch", "transformers", "mlflow", "pandas", "pyarrow", "scipy", "onnx", "datasets", "optuna"}


def test_a_bundles_server_imports_nothing_heavy(int8_bundle: Path, tmp_path: Path) -> None:
    program = f"""
        import sys
        from cli import main
        import serving.server
        from pathlib import Path
        serving.server.serve = lambda *a, **k: Path({str(tmp_path / "modules")!r}).write_text("\\n".join(sys.modules))
        import cli.serving
        cli.serving.serve = serving.server.serve
        sys.argv = ["encore", "serve", {str(int8_bundle)!r}, "--port", "0"]
        main.main()
    """
    modules = modules_of(program, tmp_path / "modules")
    assert "onnxruntime" in modules
    assert HEAVY.intersection(name.partition(".")[0] for name in modules) == set()


@pytest.mark.slow
@pytest.mark.parametrize("of", ["id", "alias"])
def test_a_run_is_served_by_its_id_and_by_its_alias(exported_run: RunFiles, of: str) -> None:
    from comparison.champion import challenge

    challenge(exported_run, by_hand=True)
    named = exported_run.record.run_id[:8] if of == "id" else f"{exported_run.record.experiment}@champion"
    with serving(named, "--root", exported_run.store.root, "--variant", "fp32") as running:
        found = running.classify("good").json()
        assert (found["run_id"], found["variant"]) == (exported_run.record.run_id, "fp32")


def test_a_port_in_use_is_told_in_one_line(int8_server: Running, int8_bundle: Path) -> None:
    found = encore("serve", int8_bundle, "--port", int8_server.port)
    assert (found.returncode, found.stdout) == (2, "")
    [line] = found.stderr.splitlines()
    assert f"127.0.0.1:{int8_server.port}" in line
    assert "--port" in line


@pytest.mark.parametrize(
    ("named", "options", "told"),
    [
        ("ffffffff", [], "ffffffff"),
        ("nothing@champion", [], "'nothing': no model is registered under that name"),
        ("{run}", ["--variant", "int5"], "int5"),
        ("{run}", ["--proof", "perhaps"], "perhaps"),
        ("{folder}", [], "no bundle"),
        ("{run}", ["--token-file", "/nothing"], "/nothing"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    exported_run: RunFiles, tmp_path: Path, named: str, options: list[str], told: str
) -> None:
    name = named.format(run=exported_run.record.run_id[:8], folder=tmp_path)
    assert told in refused(name, "--root", exported_run.store.root, *options)


def test_a_bundle_of_another_variant_than_is_named_is_not_served(int8_bundle: Path) -> None:
    assert "is a bundle of 'int8'" in refused(int8_bundle, "--variant", "fp32")


def test_states_and_metrics_say_sizes_and_no_text(int8_server: Running) -> None:
    int8_server.classify("unheard-of-word")
    assert int8_server.get("/livez").json() == int8_server.get("/readyz").json() == {"ok": True}
    text = int8_server.get("/metrics").text
    assert 'encore_requests_total{route="/v1/classify",status="200"}' in text
    assert "unheard" not in text
    int8_server.get("/unheard-of-path")
    assert "unheard" not in int8_server.get("/metrics").text
    elsewhere = int8_server.post("/v1/completions", {"prompt": "unheard-of-word"})
    assert elsewhere.status_code == 404
    assert "classifier" in elsewhere.json()["error"]["message"]
    assert "/v1/classify" in elsewhere.json()["error"]["cure"]
    model = int8_server.get("/v1/model").json()
    assert "batch_invariant" not in model["bundle"]["figures"]
    assert model["proof"] == {"answers": 16, "bit_equal": True, "largest_difference": 0.0, "warnings": []}
    [listed] = int8_server.get("/v1/models").json()["data"]
    assert listed["object"] == "model"


async def _ended_under_load(running: Running) -> Load:
    requests = [request(f"the film number {n} is lovely", port=running.port) for n in range(20)]
    times = [n / 200 for n in range(200)]

    async def end() -> None:
        await asyncio.sleep(0.5)
        running.process.send_signal(signal.SIGTERM)

    load, _ = await asyncio.gather(open_loop(running.port, requests, times), end())
    return load


def test_a_terminated_server_answers_what_it_accepted(int8_bundle: Path) -> None:
    with serving(int8_bundle) as running:
        load = asyncio.run(_ended_under_load(running))
        assert running.process.wait(10) == 0
    assert set(load.statuses()) == {200}
    assert len(load.answers) > 50
    assert load.broken == 0


@pytest.mark.parametrize("variant", ["int8", "fp32"])
def test_a_text_gets_the_same_bytes_in_any_company(
    int8_bundle: Path, fp32_bundle: Path, variant: str
) -> None:
    texts = [f"{'very ' * (n % 7)}lovely film {n}" for n in range(60)]
    with serving({"int8": int8_bundle, "fp32": fp32_bundle}[variant], "--threads", "2") as running:
        alone = {text: running.classify(text).content for text in texts}
        requests = [request(text, port=running.port) for text in texts]
        load = asyncio.run(closed_loop(running.port, requests, clients=16, seconds=1))
    assert len(load.answers) > len(texts)
    assert {answer.body for answer in load.answers} == set(alone.values())


def test_a_log_says_nothing_of_a_text(int8_bundle: Path) -> None:
    with serving(int8_bundle) as running:
        running.classify("unheard-of-word")
        running.post("/v1/classify", {"text": ["unheard-of-word", 7]})
        running.get("/unheard-of-path")
        running.process.terminate()
        running.process.wait(20)
        assert running.process.stderr is not None
        assert "unheard" not in running.process.stderr.read()
