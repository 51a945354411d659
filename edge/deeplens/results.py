"""Reads raw outputs as `parseResult` did: integer labels, best first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from edge.deeplens.hints import Hints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.kinds.rows import Rows

Size = tuple[int, int]
Found = list[dict[str, Any]]
CORNERS = ("xmin", "ymin", "xmax", "ymax")
MAX_ROWS = 2000
FARTHEST = 1e4  # a box that reaches so many pictures away is nonsense


class Sizes(NamedTuple):
    """Widths and heights in pixels: of the picture that the function gave, and of the network's input."""

    picture: Size
    network: Size


def read_classification(raw: Mapping[str, Any], _: Sizes, __: Hints) -> Found:
    """Return `{"label", "prob"}` for each class; what is no probability (logits) goes through a softmax."""
    import numpy as np

    values = _only(raw).astype(np.float64).ravel()
    if not np.isfinite(values).all():
        raise ValueError("parseResult: the network gave values that are not finite")
    sure = _as_probabilities(values, axis=0)
    return _best_first([{"label": label, "prob": float(prob)} for label, prob in enumerate(sure)])


def read_ssd(raw: Mapping[str, Any], sizes: Sizes, hints: Hints) -> Found:
    """Return `{"label", "prob", "xmin", "ymin", "xmax", "ymax"}`, corners in pixels of the picture given.

    Reads what the agent's kind `ssd` reads (docs/models.md); the `MAX_ROWS` best are returned.

    Raises:
        ValueError: The outputs have other shapes.
    """
    import numpy as np

    from edge.kinds.suppression import suppress

    rows = _keep_sane(_in_fractions(_read_rows(raw, hints), sizes.network, hints))
    rows = rows.pick(np.argsort(-rows.scores, kind="stable")[:MAX_ROWS])
    if hints.nms is not None:
        rows = rows.pick(suppress(rows.corners, rows.numbers, hints.nms))
    corners = rows.corners * np.array(sizes.picture * 2)
    listed = zip(rows.numbers.tolist(), rows.scores.tolist(), corners.tolist(), strict=True)
    return [
        {"label": int(number), "prob": score, **dict(zip(CORNERS, sides, strict=True))}
        for number, score, sides in listed
    ]


def read_segmentation(raw: Mapping[str, Any], _: Sizes, __: Hints) -> Found:
    """Return `{"label", "prob"}` for each label present; `prob` is its share of the area.

    Reads scores [1,C,H,W], of which the highest wins, and label numbers [1,1,H,W], [1,H,W] or [H,W].
    """
    import numpy as np

    scores = _only(raw)
    if scores.ndim == 4 and scores.shape[0] == 1 and scores.shape[1] > 1:
        labels = np.nan_to_num(scores[0], nan=-np.inf).argmax(axis=0)
    elif 2 <= scores.ndim <= 4 and scores.size == scores.shape[-1] * scores.shape[-2]:
        plane = np.nan_to_num(scores.reshape(scores.shape[-2:]), nan=-1, posinf=-1, neginf=-1)
        labels = np.clip(plane, -1, 2**31 - 1).astype(np.int64)
    else:
        raise ValueError(f"parseResult: segmentation needs [1,C,H,W] or [1,H,W], found {list(scores.shape)}")
    numbers, counts = np.unique(labels, return_counts=True)
    shares = zip(numbers.tolist(), (counts / labels.size).tolist(), strict=True)
    return _best_first([{"label": label, "prob": share} for label, share in shares if label >= 0])


def _only(raw: Mapping[str, Any]) -> NDArray[Any]:
    import numpy as np

    if len(raw) != 1:
        raise ValueError(f"parseResult: needs one output, found {sorted(raw)}")
    return np.asarray(next(iter(raw.values())))


def _read_rows(raw: Mapping[str, Any], hints: Hints) -> Rows:
    import numpy as np

    from edge.kinds.outputs import OutputError
    from edge.kinds.rows import find_parts, find_rows, join_rows, spread_rows

    outputs = {str(name): np.asarray(array, np.float64) for name, array in raw.items()}
    arrays = list(outputs.values())
    try:
        if len(arrays) == 1 and not hints.outputs:
            return find_rows(outputs)(arrays)
        parts = find_parts(outputs, hints.outputs)
    except OutputError as error:
        raise ValueError(f"parseResult: the network {error}") from error
    if parts.labels is not None:
        return join_rows(arrays, parts)
    scores = arrays[parts.scores]
    return spread_rows(_as_probabilities(scores.reshape(-1, scores.shape[-1]), axis=1), arrays[parts.boxes])


def _as_probabilities(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return values as they are, or through a softmax over `axis` if some are outside 0..1."""
    import numpy as np

    if values.min(initial=0) >= -1e-6 and values.max(initial=0) <= 1 + 1e-6:
        return values
    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _in_fractions(rows: Rows, network: Size, hints: Hints) -> Rows:
    """Return rows with corners xmin, ymin, xmax, ymax as fractions of the picture."""
    import numpy as np

    from edge.kinds.rows import Rows

    corners = rows.corners[:, [1, 0, 3, 2]] if hints.box_order == "yxyx" else rows.corners
    if hints.box_unit == "pixel":
        corners = corners / np.array(network * 2)
    return Rows(rows.numbers, rows.scores, corners)


def _keep_sane(rows: Rows) -> Rows:
    """Leave out empty rows (a negative label, no score) and those with numbers that make no sense."""
    import numpy as np

    with np.errstate(invalid="ignore"):  # comparisons with NaN are false
        sane = (np.abs(rows.corners) < FARTHEST).all(axis=1) & (rows.scores < FARTHEST)
        return rows.pick(sane & (rows.scores > 0) & (rows.numbers >= 0) & (rows.numbers < 2**31))


def _best_first(found: Found) -> Found:
    return sorted(found, key=lambda row: -row["prob"])
