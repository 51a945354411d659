"""What keeps a loop from being a success."""

from __future__ import annotations

from hub.demo.loop.summary import Figures, LoopSummary


def test_summary_advises_more_frames_when_the_new_model_is_not_better() -> None:
    figures = Figures(version="2", threshold=0.5, ap50=0.5, precision=None, recall=0.0)
    counts = {"train": 1, "validation": 1, "events": 1}
    summary = LoopSummary(
        frames=32, events=1, captured=counts, reviewed=counts, pictures=counts, old=figures, new=figures,
        verdict="no difference", change=(0, 0, 0), watched=counts, seconds={}, paths={},
    )  # fmt: skip
    assert [problem for problem in summary.problems() if "--frames" in problem] == summary.problems() != []
