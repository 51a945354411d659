"""Reads raw outputs as `parseResult` did: integer labels, best first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

Size = tuple[int, int]
Rows = list[dict[str, Any]]


def read_classification(raw: Mapping[str, Any], size: Size) -> Rows:
    """Return `{"label", "prob"}` for each class; what is no probability (logits) goes through a softmax."""
    import numpy as np

    values = _only(raw).astype(np.float64).ravel()
    if not np.isfinite(values).all():
        raise ValueError("parseResult: the network gave values that are not finite")
    if values.min(initial=0) < -1e-6 or values.max(initial=0) > 1 + 1e-6:
        values = np.exp(values - values.max())
        values /= values.sum()
    return _best_first([{"label": label, "prob": float(prob)} for label, prob in enumerate(values)])


def read_ssd(raw: Mapping[str, Any], size: Size) -> Rows:
    """Return `{"label", "prob", "xmin", "ymin", "xmax", "ymax"}`, corners in pixels of the picture given.

    Reads rows of seven (picture, label, score, corners), which end at a negative picture number, and of six
    (label, score, corners); rows with a negative label are empty.
    """
    rows = _rows(raw)
    found = []
    for row in rows:
        if len(row) == 7 and row[0] < 0:
            break
        label, prob, *corners = row[-6:]
        if label >= 0 and prob > 0 and all(abs(value) < 1e4 for value in row):  # not so for NaN
            found.append({"label": int(label), "prob": float(prob), **_corners(corners, size)})
    return _best_first(found)


def read_segmentation(raw: Mapping[str, Any], size: Size) -> Rows:
    """Return `{"label", "prob"}` for each label present; `prob` is its share of the area.

    Reads scores [1,C,H,W], of which the highest wins, and label numbers [1,1,H,W], [1,H,W] or [H,W].
    """
    import numpy as np

    scores = _only(raw)
    if scores.ndim == 4 and scores.shape[1] > 1:
        labels = scores[0].argmax(axis=0)
    elif 2 <= scores.ndim <= 4 and scores.size == scores.shape[-1] * scores.shape[-2]:
        labels = scores.reshape(scores.shape[-2:]).astype(np.int64)
    else:
        raise ValueError(f"parseResult: segmentation needs [1,C,H,W] or [1,H,W], found {list(scores.shape)}")
    numbers, counts = np.unique(labels, return_counts=True)
    shares = zip(numbers.tolist(), (counts / labels.size).tolist(), strict=True)
    return _best_first([{"label": label, "prob": share} for label, share in shares])


def _only(raw: Mapping[str, Any]) -> NDArray[Any]:
    import numpy as np

    if len(raw) != 1:
        raise ValueError(f"parseResult: needs one output, found {sorted(raw)}")
    return np.asarray(next(iter(raw.values())))


def _rows(raw: Mapping[str, Any]) -> list[list[float]]:
    array = _only(raw)
    width = array.shape[-1] if array.ndim >= 2 else 7
    if width not in (6, 7) or array.size % width:
        raise ValueError(f"parseResult: ssd needs [1,1,N,7] or [1,N,6], found {list(array.shape)}")
    rows: list[list[float]] = array.reshape(-1, width).tolist()
    return rows


def _corners(corners: list[float], size: Size) -> dict[str, float]:
    width, height = size
    names, sides = ("xmin", "ymin", "xmax", "ymax"), (width, height, width, height)
    return {name: corner * side for name, corner, side in zip(names, corners, sides, strict=True)}


def _best_first(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: -row["prob"])
