"""`lenshub template try` previews what a template makes of an event."""

from __future__ import annotations

import json

import pytest

PUBLISHED = "Botchitecture report at {time:%H:%M} (UTC): {message} #botchitecture #{device}"


def test_template_try_shows_the_text_for_a_made_up_event(lenshub):
    done = lenshub("template", "try", PUBLISHED, "--sample", "--json")

    assert json.loads(done.output)["texts"] == {
        PUBLISHED: "Botchitecture report at 18:31 (UTC): somebody liked the coffee #botchitecture #Seattle01"
    }


def test_template_try_shows_the_templates_of_an_instance(lenshub, folder):
    (folder / "hub.toml").write_text("[plugins.threshold-alerts]\ntitle = '{label}: {confidence:.0%}'\n")
    done = lenshub("template", "try", "--plugin", "threshold-alerts", "--sample", "--json")

    assert json.loads(done.output)["texts"]["title"] == "thumbs-up: 93%"


def test_template_try_shows_the_texts_that_suit_the_rule_of_an_alert(lenshub, folder):
    (folder / "hub.toml").write_text("[plugins.threshold-alerts]\nrule = 'above'\nlevel = 5\n")
    done = lenshub("template", "try", "--plugin", "threshold-alerts", "--sample", "--json")

    assert json.loads(done.output)["texts"]["title"] == "detections above 5 (7) on Seattle01"


def test_template_try_shows_the_keys_of_an_archive(lenshub, folder):
    table = '[plugins.s3-archive]\nkeys = { record = "{label}/{event_id}" }\n'
    (folder / "hub.toml").write_text(table)
    done = lenshub("template", "try", "--plugin", "s3-archive", "--sample", "--json")

    stem = "2018/08/16/Seattle01/raw_Seattle01_20180816-183152_1"
    texts = json.loads(done.output)["texts"]
    assert (texts["record"], texts["raw"]) == ("thumbs-up/1.json", f"raw_images/{stem}.jpg")


WRONG = {
    ("{colour}", "--sample"): (2, "template: unknown field 'colour' (known: camera, "),
    ("{label.__class__}", "--sample"): (2, "not a plain field: 'label.__class__'"),
    ("{label}", "--plugin", "tweet"): (1, "give a template, or --plugin NAME"),
    ("{label}", "--event", "1", "--sample"): (1, "give --event or --sample, not both"),
    ("--plugin", "nobody", "--sample"): (1, "there is no [plugins.nobody] in hub.toml (there are: none)"),
    ("{label}",): (1, "there is no store yet"),
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_template_try_says_what_is_wrong(lenshub, arguments):
    done = lenshub("template", "try", *arguments)

    assert done.exit_code == WRONG[arguments][0]
    assert WRONG[arguments][1] in done.output
