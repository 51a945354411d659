"""The published savings are reproduced, and what they would have been."""

from __future__ import annotations

import pytest

from hub.gate.savings import published_savings, true_savings

PUBLISHED = (369_610, 327_180, 0.9164463572087304, 0.950031867431485)


def test_savings_are_those_that_were_published():
    told = published_savings(*PUBLISHED)
    assert told.model_dump() == {"predicted_calls": 393_013, "saved_calls": 303_777, "saved_share": 0.436}


def test_savings_read_rightly_keep_back_what_the_confusion_matrix_says():
    told, recall = true_savings(*PUBLISHED)
    kept_back_rightly = 0.9164463572087304 * 327_180
    assert told.saved_calls == round(kept_back_rightly / 0.950031867431485)
    assert recall == pytest.approx(1 - (told.saved_calls - kept_back_rightly) / 369_610, abs=1e-5)


@pytest.mark.parametrize("shares", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_savings_stay_within_the_pictures_there_are(shares):
    for told in (published_savings(3, 4, *shares), true_savings(3, 4, *shares)[0]):
        assert 0 <= told.saved_calls <= 7
        assert told.predicted_calls + told.saved_calls == 7
