"""Books in pictures: what the cascade asks, what is paid once, and what becomes of each answer."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import pytest

from edge.model import SHIPPED
from hub.companion import Companion
from hub.config import Config
from hub.demo.cloud.book_photo import Shot, take_photo
from hub.demo.cloud.classifier_server import CLASSES, ClassifierServer
from hub.event import NewEvent
from hub.images.calls import ImageCalls
from hub.images.image import Image
from hub.images.message import write
from hub.images.spending import Spending
from hub.plugin import PayloadError, Reject, RetryLater
from hub.program import make_decoders

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PYTHON, WEB = "9784798045733", "9784537256109"
SURE = [0.9987, 0.001, 0.0003]


def photograph(*books: tuple[str, Shot], seed: int = 0) -> bytes:
    done, data = cv2.imencode(".jpg", take_photo(books, size=(800, 600), seed=seed))
    assert done
    return data.tobytes()


COVER = photograph()
BARCODE = photograph((PYTHON, Shot(3, 20, 0.3)))


def show(data: bytes) -> Image:
    return Image("http:isbn:1", "book.jpg", "phone", NOW, data, "image/jpeg", 800, 600)


@pytest.fixture
async def server() -> AsyncIterator[ClassifierServer]:
    async with ClassifierServer() as running:
        yield running


@pytest.fixture
def http(server: ClassifierServer) -> Callable[..., dict[str, Any]]:
    """A function that returns an `isbn` table which asks the server."""

    def table(**more: Any) -> dict[str, Any]:
        api = {"url": server.url, "allow_hosts": ["127.0.0.1"], **more.pop("http", {})}
        return {"http": api, "classes": {"names": list(CLASSES)}, **more}

    return table


@pytest.fixture
def look(hub: Any) -> Callable[..., Awaitable[NewEvent]]:
    """A function that has pictures classified by an instance, as often as asked, and decodes the last."""
    answers: dict[str, str] = {}

    async def classify(data: bytes, **table: Any) -> NewEvent:
        calls = ImageCalls("isbn", "http:isbn:1", answers, hub.writer, Spending())
        async with hub.running("isbn", **table) as loaded:
            image = show(data)
            answer = await loaded.plugin.classify(image, calls)
            decoded = loaded.plugin.decode(write(image, answer, None, NOW, "isbn"))
        assert decoded.picture == data
        (event,) = decoded.events
        return event

    return classify


async def test_barcode_becomes_a_checked_isbn13_with_its_box_and_nobody_is_asked(look, http, server):
    event = await look(BARCODE, **http())

    (found,) = event.detections
    assert (found.label, found.confidence) == (PYTHON, 1.0)
    assert found.attributes == {
        "operation": "barcode",
        "checked": True,
        "isbn10": "479804573X",
        "sharpened": False,
    }
    assert found.box is not None
    assert found.box.left + found.box.width / 2 == pytest.approx(0.5, abs=0.02)
    assert (event.key, event.source, event.device) == ("http:isbn:1", "isbn", "phone")
    assert server.requests == []


async def test_several_barcodes_become_one_event(look):
    shots = (PYTHON, Shot(2, 10, at=(0.25, 0.5))), (WEB, Shot(2, -30, at=(0.75, 0.5)))

    event = await look(photograph(*shots))

    assert [found.label for found in event.detections] == [PYTHON, WEB]


async def test_picture_without_barcode_and_model_has_no_detections(look):
    assert (await look(COVER)).detections == ()


@pytest.mark.parametrize("shape", ["list", "prediction", "probabilities", "predictions", "gateway", "names"])
async def test_model_is_asked_where_there_is_no_barcode(look, http, server, shape):
    server.shape, server.probabilities = shape, SURE

    event = await look(COVER, **http())

    (found,) = event.detections
    assert (found.label, found.confidence, found.box) == (PYTHON, 0.9987, None)
    assert found.attributes["operation"] == "model"
    assert (found.attributes["checked"], found.attributes["isbn10"]) == (True, "479804573X")
    assert found.attributes["guesses"][1] == {"label": WEB, "confidence": 0.001}
    assert event.model is not None
    assert event.model.name == "127.0.0.1"


async def test_cascade_may_ask_the_model_only_or_first(look, http, server):
    server.probabilities = SURE
    assert (await look(BARCODE, **http(cascade=["model"]))).detections[0].box is None

    server.probabilities = [0.4, 0.3, 0.3]
    event = await look(BARCODE, **http(cascade=["model", "barcode"]))
    assert event.detections[0].attributes["operation"] == "model"  # it was not asked a second time
    assert len(server.requests) == 1


async def test_unsure_model_says_unknown_with_its_best_guesses(look, http, server):
    server.probabilities = [0.3, 0.45, 0.25]

    event = await look(COVER, **http(guesses=2))

    (found,) = event.detections
    assert (found.label, found.confidence) == ("unknown", 0.45)
    assert found.attributes == {
        "operation": "model",
        "checked": False,
        "guesses": [{"label": WEB, "confidence": 0.45}, {"label": PYTHON, "confidence": 0.3}],
    }


async def test_class_with_a_wrong_check_digit_is_kept_and_marked(look, http, server):
    server.probabilities = SURE
    classes = {"names": ["001.ISBN4798045739", "b", "c"]}

    event = await look(COVER, **http() | {"classes": classes})

    (found,) = event.detections
    assert found.label == "4798045739"
    assert found.attributes["checked"] is False
    assert found.attributes["problem"] == "the check digit is 9 where X is right"


async def test_model_is_sent_a_small_upright_jpeg_and_the_key(look, http, server, monkeypatch):
    monkeypatch.setenv("BOOKS_KEY", "s3cret")

    await look(COVER, **http(longest_px=400, http={"key_env": "BOOKS_KEY"}))

    ((headers, body),) = server.requests
    assert (headers["content-type"], headers["x-api-key"]) == ("image/jpeg", "s3cret")
    assert body.startswith(b"\xff\xd8")


async def test_picture_is_sent_as_base64_where_the_api_wants_json(look, http, server):
    await look(COVER, **http(http={"json_member": "image"}))

    ((headers, body),) = server.requests
    assert headers["content-type"] == "application/json"
    assert body.startswith(b'{"image": "/9j/')


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("count", "5 probabilities for 3 classes"),
        ("nan", "holds NaN"),
        ("infinity", "too large"),
        ("strings", "holds a text"),
        ("sums", "sum to 2.7"),
        ("negative", "outside 0 to 1"),
        ("html", "is HTML"),
        ("large", "more than 1048576 bytes"),
        ("nothing", "is empty"),
        ("null", "holds null"),
        ("deep", "not JSON"),
    ],
)
async def test_answer_that_cannot_be_used_is_a_bad_answer_and_not_paid_for_again(
    look, http, server, trouble, reason
):
    server.trouble = trouble

    for _ in range(2):
        with pytest.raises(PayloadError, match=f"^bad_answer: .*{reason}"):
            await look(COVER, **http(price_usd=0.01))

    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("trouble", "after_s"), [("busy", 7), ("error", 30), ("lambda", 30), ("key", 300), ("absent", 300)]
)
async def test_far_side_that_cannot_answer_now_is_asked_later(look, http, server, trouble, after_s):
    server.trouble = trouble
    with pytest.raises(RetryLater) as raised:
        await look(COVER, **http(price_usd=0.01))
    assert raised.value.after_s == after_s

    server.trouble, server.probabilities = None, SURE
    assert (await look(COVER, **http(price_usd=0.01))).detections[0].label == PYTHON


@pytest.mark.parametrize(("trouble", "timeout_s"), [("stall", 3), ("drop", 30)])
async def test_far_side_that_may_have_been_paid_counts_as_paid(look, http, server, hub, trouble, timeout_s):
    server.trouble = trouble

    with pytest.raises(RetryLater, match=r"127\.0\.0\.1 did not answer"):
        await look(COVER, **http(price_usd=0.01, http={"timeout_s": timeout_s}))

    assert len(server.requests) == 1
    with_price = "SELECT count(*) FROM calls WHERE price = 0.01"
    async with hub.log._engine.connect() as connection:
        assert (await connection.exec_driver_sql(with_price)).scalar() == 1


async def test_picture_that_the_far_side_refuses_is_rejected(look, http, server):
    server.trouble = "refuse"
    with pytest.raises(Reject, match=r"127\.0\.0\.1 refused the picture: 400"):
        await look(COVER, **http())


async def test_budget_that_is_used_up_asks_nobody(look, http, server):
    with pytest.raises(RetryLater, match="budget_usd_per_day is used up"):
        await look(COVER, **http(price_usd=0.02, budget_usd_per_day=0.01))
    assert server.requests == []


async def test_far_side_that_is_not_there_is_asked_later(look, http, free_port):
    table = http(http={"url": f"http://127.0.0.1:{free_port}/"})
    with pytest.raises(RetryLater, match=r"127\.0\.0\.1 cannot be reached"):
        await look(COVER, **table)


async def test_bytes_that_no_decoder_reads_are_rejected(look):
    with pytest.raises(Reject, match="cannot decode"):
        await look(b"\xff\xd8" + bytes(100))


async def test_model_of_ones_own_is_run_here(look, hub):
    folder = hub.data_dir / "books"
    shutil.copytree(SHIPPED / "hiragana", folder)
    card = (folder / "model.toml").read_text()
    books = ["479804573X", "4537256109", "4839964564", "9791090636071", "4798045739", "other"]
    line = next(line for line in card.splitlines() if line.startswith("labels ="))
    (folder / "model.toml").write_text(card.replace(line, f"labels = {books}"))

    event = await look(COVER, openvino={"folder": "books"}, threshold=0.0)

    (found,) = event.detections
    assert found.attributes["class"] in books
    assert len(found.attributes["guesses"]) == 3
    assert event.model is not None
    assert event.model.name == "hiragana"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"cascade": ["model"]}, "cascade has `model`"),
        ({"cascade": ["barcode", "barcode"]}, "names a step twice"),
        ({"classes": {"names": ["a"]}}, "classes are for http and sagemaker"),
        ({"sagemaker": {"endpoint": "books"}}, "needs classes"),
        ({"http": {"url": "http://127.0.0.1/"}}, "127.0.0.1"),
        ({"http": {"url": "https://books.example", "key_env": "NOT_SET"}}, "NOT_SET is not set"),
        ({"openvino": {"folder": "absent"}}, "absent"),
        ({"openvino": {"folder": str(SHIPPED / "thumbs-up")}}, "not classification"),
        ({"http": {"url": "https://a.example"}, "openvino": {"folder": "b"}}, "one classifier an instance"),
    ],
)
def test_wrong_settings_are_told(problems, table, problem):
    assert problem in " ".join(problems("isbn", **table))


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"barcodes": 1},
        {"barcodes": [{"isbn": "x", "box": [1]}]},
        {"model": {"guesses": [["a", 2]]}},
    ],
)
async def test_decode_refuses_what_this_plugin_did_not_answer(hub, answer):
    async with hub.running("isbn") as loaded:
        message = write(show(COVER), answer, None, NOW, "isbn")
        with pytest.raises(PayloadError, match="bad_answer"):
            loaded.plugin.decode(message)


async def test_picture_in_a_folder_becomes_a_stored_event(hub, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "book.jpg").write_bytes(BARCODE)
    table = {"images": {"folder": "photos", "device": "phone"}}
    async with hub.running("isbn", **table) as loaded:
        decoders = make_decoders(Config())
        companion = Companion(hub.writer, decoders, frozenset(), hub.log, Path(tmp_path))
        running = asyncio.create_task(companion.run(loaded))
        async with asyncio.timeout(60):
            while True:
                if newest := await hub.log.newest_id():
                    break
                await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait([running])

    (event,) = await hub.log.by_ids([newest])
    assert (event.device, event.detections[0].label) == ("phone", PYTHON)
    assert event.frame.width == 800
