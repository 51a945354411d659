"""A SageMaker endpoint as classifier, against a server that speaks its API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.errors import DeliveryError
from hub.plugin import Reject, RetryLater
from plugins.isbn_sagemaker import SageMakerClassifier
from plugins.isbn_settings import SageMakerSettings

BOOKS = ("001.ISBN479804573X", "002.ISBN4537256109", "003.ISBN4839964564")
SURE = [0.9987, 0.001, 0.0003]
JPEG = b"\xff\xd8 a picture"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")


def endpoint(url: str, timeout_s: float = 10) -> SageMakerClassifier:
    table = {"endpoint": "books", "region": "us-east-1", "endpoint_url": url, "timeout_s": timeout_s}
    return SageMakerClassifier(SageMakerSettings.model_validate(table), BOOKS)


async def ask(url: str, **more: float) -> Any:
    async with endpoint(url, **more) as classifier:
        return await classifier.ask(JPEG)


class Endpoint:
    """Stands in for `InvokeEndpoint` where moto cannot: it refuses, answers too much, and drops."""

    def __init__(self) -> None:
        self.answer: Callable[[web.Request], web.Response] = lambda _: web.json_response(SURE)
        self.requests: list[tuple[str, str, bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((request.path, request.headers["Content-Type"], await request.read()))
        return self.answer(request)


@pytest.fixture
async def troubled() -> AsyncIterator[tuple[Endpoint, str]]:
    there, application = Endpoint(), web.Application()
    application.router.add_post("/{path:.*}", there.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield there, "http://{}:{}".format(*runner.addresses[0][:2])
    await runner.cleanup()


async def test_endpoint_that_answers_a_list_or_a_prediction_is_read(s3_server: str) -> None:
    for number, body in enumerate([SURE, {"prediction": SURE}]):
        result = {"Body": json.dumps(body), "ContentType": "application/json", "CustomAttributes": ""}
        queued = {"results": [{**result, "InvokedProductionVariant": "AllTraffic"}]}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{s3_server}/moto-api/static/sagemaker/endpoint-results", json=queued) as queued_it,
        ):
            assert queued_it.status == 201
        async with endpoint(s3_server) as classifier:
            answer = await classifier.ask(b"picture %d" % number)  # moto takes text only
        assert answer == {
            "name": "books",
            "version": "AllTraffic",
            "guesses": [[BOOKS[0], 0.9987], [BOOKS[1], 0.001], [BOOKS[2], 0.0003]],
        }


async def test_endpoint_is_sent_the_picture_as_an_image(troubled: tuple[Endpoint, str]) -> None:
    there, url = troubled
    await ask(url)
    assert there.requests == [("/endpoints/books/invocations", "application/x-image", JPEG)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b"[0.5, 0.5]", "2 probabilities for 3 classes"),
        (b"[" + b"0.1," * 2_500_000 + b"0]", "more than 1048576 bytes"),
        (b'{"prediction": [[0, 0.9, 0.1, 0.1, 0.5, 0.5], [1, 0.2, 0, 0, 1, 1]]}', "2 probabilities"),
    ],
)
async def test_answer_that_cannot_be_used_is_kept_as_such(
    troubled: tuple[Endpoint, str], body: bytes, reason: str
) -> None:
    there, url = troubled
    there.answer = lambda _: web.Response(body=body)
    answer = await ask(url)
    assert reason in answer["unusable"]


def refuse(status: int, code: str, **members: Any) -> Callable[[web.Request], web.Response]:
    body = {"Message": "no", **members}
    return lambda _: web.json_response(body, status=status, headers={"x-amzn-ErrorType": code})


@pytest.mark.parametrize(
    ("status", "code", "after_s", "told"),
    [
        (400, "ThrottlingException", 30, "busy"),
        (429, "ModelNotReadyException", 30, "busy"),
        (503, "ServiceUnavailable", 30, "busy"),
        (400, "ValidationError", 300, "is the endpoint's name right"),
        (403, "AccessDeniedException", 300, "sagemaker:InvokeEndpoint"),
        (403, "ExpiredTokenException", 300, "renew the credentials"),
    ],
)
async def test_endpoint_that_cannot_answer_now_is_asked_later(
    troubled: tuple[Endpoint, str], status: int, code: str, after_s: float, told: str
) -> None:
    there, url = troubled
    there.answer = refuse(status, code)
    with pytest.raises(RetryLater, match=told) as raised:
        await ask(url)
    assert raised.value.after_s == after_s
    assert len(there.requests) == 1


@pytest.mark.parametrize(("original", "outcome"), [(415, Reject), (500, RetryLater)])
async def test_model_that_fails_says_whether_the_picture_is_to_blame(
    troubled: tuple[Endpoint, str], original: int, outcome: type[Exception]
) -> None:
    there, url = troubled
    there.answer = refuse(424, "ModelError", OriginalStatusCode=original)
    with pytest.raises(outcome):
        await ask(url)


async def test_connection_that_is_dropped_leaves_open_whether_it_was_paid(
    troubled: tuple[Endpoint, str],
) -> None:
    there, url = troubled

    def drop(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    there.answer = drop
    with pytest.raises(DeliveryError, match="SageMaker books did not answer"):
        await ask(url)


async def test_endpoint_that_is_not_there_is_asked_later(free_port: int) -> None:
    with pytest.raises(RetryLater, match="cannot be reached"):
        await ask(f"http://127.0.0.1:{free_port}")


async def test_missing_credentials_are_told(monkeypatch: pytest.MonkeyPatch, s3_server: str) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RetryLater, match="credentials"):
        await ask(s3_server)
