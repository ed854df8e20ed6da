"""The loss of a student, which learns from another model's logits beside the labels.

Legend: B batch, L labels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lightning_modules.settings import DistillationConfig


def distillation_loss(
    logits_BL: torch.Tensor, teacher_BL: torch.Tensor, config: DistillationConfig
) -> torch.Tensor:
    """How far the student's answers are from the teacher's: 0-d float32, 0 where they are the same.

    mse: Ba & Caruana 2014 (arXiv 1312.6184), the mean over rows and labels. kl: Hinton et al. 2015 (arXiv 1503.02531),
    in nats a row; the square of the temperature keeps the size of its gradients, whatever the temperature.
    """
    student_BL, teacher_BL = logits_BL.float(), teacher_BL.float()
    if config.loss == "mse":
        return F.mse_loss(student_BL, teacher_BL)
    divergence = F.kl_div(
        F.log_softmax(student_BL / config.temperature, dim=-1),
        F.log_softmax(teacher_BL / config.temperature, dim=-1),
        log_target=True,
        reduction="batchmean",
    )
    return divergence * config.temperature**2
