"""The shipped clips, one for each shipped model, and what a demo has to know of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

EDGE = Path(str(resources.files("edge")))


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip with its truth beside it.

    `labels` are those of the model that plugins wait for. Without `boxes` around what the model finds there
    is nothing for `retraining` to keep, and it has no part in the demo.
    """

    model: str
    file: str
    shows: str
    labels: tuple[str, ...]
    boxes: bool

    @property
    def path(self) -> Path:
        """The video; its truth has the same name with .json."""
        return EDGE / "demo" / self.file

    @property
    def model_folder(self) -> Path:
        """The model's folder."""
        return EDGE / "models" / self.model

    def seconds(self) -> float:
        """Return how long it plays."""
        truth = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))
        return len(truth["frames"]) / float(truth["fps"])


CLIPS = {
    clip.model: clip
    for clip in (
        Clip("thumbs-up", "thumbs.webm", "thumbs up and other hands", ("thumbs-up",), boxes=True),
        Clip("hiragana", "hiragana.webm", "cards with hiragana", ("あ", "い", "う", "え", "お"), boxes=False),
    )
}
