"""What the server refuses to serve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from errors import UserError
from serving.bundle import read_bundle
from serving.service import classifier_service


def test_a_language_models_bundle_is_refused_in_one_line_with_the_way_to_write(fp32_bundle: Path) -> None:
    bundle = read_bundle(fp32_bundle)
    writer = replace(bundle, about=bundle.about.model_copy(update={"labels": None}))
    with pytest.raises(UserError, match=f"holds a language model.*encore generate {bundle.about.run_id[:8]}"):
        classifier_service(writer, threads=1, mode="warn")
