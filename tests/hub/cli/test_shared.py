"""What strangers wrote, as commands print it."""

from __future__ import annotations

import json

import pytest

from hub.cli.shared import as_shown, print_json, print_table


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("thumbs\u202epu", "thumbs\\u202epu"),
        ("cat\u200b\ufeff", "cat\\u200b\\ufeff"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("[red]cat[/red]", "\\[red]cat\\[/red]"),
        ("サムズ　アップ 👍🏽 ä", "サムズ　アップ 👍🏽 ä"),
    ],
)
def test_marks_that_hide_or_reorder_are_shown_by_name_and_letters_as_they_are(written, shown):
    assert as_shown(written) == shown


def test_title_stays_in_its_line_over_a_narrow_table(capsys):
    print_table("Disputed; `lenshub review --disputed` settles them", ("event",), [("1",)])
    assert "Disputed; `lenshub review --disputed` settles them\n" in capsys.readouterr().out


def test_json_of_a_text_that_is_none_is_escaped(capsys):
    print_json({"あ\ud800": ["\udfff"]})
    assert json.loads(capsys.readouterr().out) == {"あ\ud800": ["\udfff"]}
