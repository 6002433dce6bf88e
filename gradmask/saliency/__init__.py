"""Where a network looks: lateral saliency, and boxes to compare it with."""

from gradmask.saliency.boxes import box_iou, energy_in_box, saliency_box
from gradmask.saliency.lateral import lateral_saliency

__all__ = ["box_iou", "energy_in_box", "lateral_saliency", "saliency_box"]
