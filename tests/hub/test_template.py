"""Templates from configuration: what they refuse, and what they make of values."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from hub.event import Detection, Event
from hub.template import (
    MAX_RENDERED_CHARS,
    MAX_VALUE_CHARS,
    SAMPLES,
    Template,
    event_values,
    template_of,
)

KNOWN = frozenset(SAMPLES)
REFUSED = {
    "{colour}": "unknown field 'colour' (known: camera, confidence, count, device, event_id, label, ",
    "{}": "unknown field ''",
    "{0}": "not a plain field: '0'",
    "{device.__class__}": "not a plain field: 'device.__class__'",
    "{label[0]}": "not a plain field: 'label[0]'",
    "{% for x in y %}": "not a plain field: '% for x in y %'",
    "{label * 99}": "not a plain field: 'label * 99'",
    "{'x' * 10**10}": "(there are no attributes, indexes, calls, loops or conditions; known: camera, ",
    "{{ label }}": "'{{ label }}' would be the text '{label}'; the field is {label}",
    "{label!r}": "field 'label': conversion !r is not allowed",
    "{label:{count}}": "must not be nested or wider than 999",
    "{label:99999}": "must not be nested or wider than 999",
    "{time:%1000000Y}": "must not be nested or wider than 999",
    "{label:>\u0669\u0669\u0669\u0669\u0669}": "must not be nested or wider than 999",
    "{count:c}": "field 'count': the format 'c' does not fit: not every number is a sign",
    "{confidence:x}": "field 'confidence': the format 'x' does not fit",
    "{label": "expected '}' before end of string",
    "label}": "Single '}' encountered",
    "x" * 2001: "the template has 2001 characters; at most 2000",
}


class Settings(BaseModel):
    template: Annotated[Template, template_of("device", "label")]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_template_refuses_what_is_not_a_plain_field(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        Template.parse(text, KNOWN)
    assert REFUSED[text] in str(caught.value)


def test_template_fills_in_formatted_values() -> None:
    template = Template.parse("{device}: {label} {confidence:.2%} at {time:%H:%M} ({count:03d}) {{x}}", KNOWN)
    values = SAMPLES | {"time": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}
    assert template.render(values) == "Seattle01: thumbs-up 87.50% at 03:04 (003) {x}"


def test_template_does_not_read_places_inside_values() -> None:
    template = Template.parse("{label}", KNOWN)
    assert template.render(SAMPLES | {"label": "{device.__class__}"}) == "{device.__class__}"


def test_template_removes_control_characters_from_values_only() -> None:
    template = Template.parse("a\n{label}", KNOWN)
    assert template.render(SAMPLES | {"label": "x\r\n\x00\u202e\u2028y\ud800"}) == "a\nx y"


@pytest.mark.parametrize("sign", "\x1b\x9b\xad\u061c\u200e\u200f\u202e\u2066\ufeff\uffff\U000e0041")
def test_template_removes_what_cannot_be_seen_from_values(sign: str) -> None:
    assert Template.parse("{label}", KNOWN).render(SAMPLES | {"label": f"a{sign}b"}) == "ab"


@pytest.mark.parametrize("label", ["👩\u200d👧", "❤\ufe0f", "می\u200cخواهم", "e\u0301", "あ い"])
def test_template_leaves_writing_as_it_is(label: str) -> None:
    assert Template.parse("{label}", KNOWN).render(SAMPLES | {"label": label}) == label


def test_template_cuts_long_values() -> None:
    shown = Template.parse("<{label}>", KNOWN).render(SAMPLES | {"label": "x" * 10_240})
    assert shown == f"<{'x' * (MAX_VALUE_CHARS - 1)}…>"


def test_event_values_join_the_labels_surest_first() -> None:
    found = [Detection(label=f"l{n}", confidence=n / 20) for n in (*range(12), 3)]
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    event = Event(
        id=1, source="mqtt", device="d", captured_at=moment, received_at=moment, detections=tuple(found)
    )
    assert (
        event_values(event, "l11", 0.55)["labels"] == "l11, l10, l9, l8, l7, l6, l5, l4, l3, l2, and 2 more"
    )


def test_template_bounds_what_it_renders() -> None:
    template = Template.parse("{label:999}" * 100, KNOWN)
    assert len(template.render(SAMPLES)) == MAX_RENDERED_CHARS


@pytest.mark.parametrize(("spec", "code"), [("%Q", "%Q"), ("%H:%M %", "%"), ("%Y%!", "%!")])
def test_template_refuses_a_code_of_time_that_would_stay_as_it_is(spec: str, code: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"has no code '{code}' (known: those of strftime)")):
        Template.parse(f"{{time:{spec}}}", KNOWN)


@pytest.mark.parametrize("spec", ["%H:%M", "%d.%m.%Y %H%%", "%a %j"])
def test_template_takes_the_codes_of_strftime(spec: str) -> None:
    shown = Template.parse(f"{{time:{spec}}}", KNOWN).render(SAMPLES)
    assert shown == SAMPLES["time"].strftime(spec)


def test_template_in_settings_says_which_fields_are_known() -> None:
    with pytest.raises(ValidationError, match=r"unknown field 'count' \(known: device, label\)"):
        Settings.model_validate({"template": "{count}"})


def test_template_in_settings_refuses_what_is_no_text() -> None:
    with pytest.raises(ValidationError, match="must be a text"):
        Settings.model_validate({"template": 7})


def test_template_in_settings_dumps_as_its_text() -> None:
    assert Settings(template="{label}").model_dump(mode="json") == {"template": "{label}"}
