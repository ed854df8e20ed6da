"""Keep the output to what Encore says itself: libraries' notices that a user cannot act on."""

from __future__ import annotations

import logging
import os
import sys
import warnings

# Each is a notice of a library about its own inner workings, none about the user's run.
_NOTICES = (
    ".*isinstance.treespec, LeafSpec.*",
    ".*does not have many workers.*",
    ".*Checkpoint directory.*",
    ".*Starting from v1.9.0, .tensorboardX.*",
    ".*torch.jit.*is deprecated.*",
    ".*pin_memory.*no accelerator.*",
    ".*sampler.*set_epoch.*",
    ".*your dataloader is not resumable.*",  # it begins where the run stopped, by position
    ".*lr_scheduler.step.*before.*optimizer.step.*",
)


def quiet() -> None:
    """Silence the notices above and Lightning's banners; errors and other warnings stay."""
    for message in _NOTICES:
        warnings.filterwarnings("ignore", message=message)
    # Below the library's top logger, whose level it sets itself when it is imported.
    for name in (
        "pytorch_lightning.utilities.rank_zero",
        "pytorch_lightning.trainer.connectors.signal_connector",
        "alembic",
        "mlflow.store.db.utils",
        "datasets.packaged_modules",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)


def quiet_environment() -> None:
    """Settings that libraries read when they are imported: no banners or telemetry of theirs.

    Their download bars stay on a terminal.
    """
    quiet = {
        "TRANSFORMERS_VERBOSITY": "error",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }
    if not sys.stderr.isatty():
        quiet |= {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    for key, value in quiet.items():
        os.environ.setdefault(key, value)
