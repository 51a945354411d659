"""Pictures by HTTP: answered with their event, kept when that takes longer, refused in words."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest

from hub.errors import ConfigError
from hub.images.door import Door
from hub.images.http_settings import HttpSettings
from hub.images.token import token_path
from hub.plugin import Reject

POST = "/v1/images?source=gallery"


@pytest.fixture
def calling(running, free_port, wait_until):
    """A function that runs a gallery with uploads, and a client that has the token."""

    @asynccontextmanager
    async def run(behave=None, *, wait_s=60.0, **more):
        async with running(behave, upload=True, **more) as gallery:
            companion = gallery.companion
            await wait_until(lambda: companion.uploads)
            limits = companion.decoders.limits
            door = Door(gallery.store.data_dir, companion.uploads, gallery.store.log, lambda: limits)
            await door.open(HttpSettings(listen=f"127.0.0.1:{free_port}", wait_s=wait_s))
            token = token_path(gallery.store.data_dir).read_text().strip()
            headers = {"Authorization": f"Bearer {token}"}
            try:
                async with aiohttp.ClientSession(f"http://127.0.0.1:{free_port}", headers=headers) as client:
                    yield gallery, client
            finally:
                await door.close()

    return run


async def told(response):
    body = await response.json()
    return response.status, body.get("state") or body["error"]["code"]


async def test_picture_is_answered_with_its_event(calling, picture):
    async with calling() as (gallery, client):
        response = await client.post(POST + "&name=cover.png", data=picture())
        body = await response.json()

    assert (response.status, body["state"]) == (201, "stored")
    assert body["event"]["detections"][0]["label"] == "bright"
    assert body["event"]["key"] == body["key"] == gallery.events()[0][0]
    assert gallery.plugin.seen == ["cover.png"]
    assert list((gallery.store.data_dir / "uploads/gallery").iterdir()) == []


async def test_picture_is_taken_out_of_a_form(calling, picture):
    form = aiohttp.FormData({"comment": "from the shelf"})
    form.add_field("image", picture(), filename="shelf.png", content_type="image/png")
    async with calling() as (gallery, client):
        assert await told(await client.post(POST, data=form)) == (201, "stored")

    assert gallery.plugin.seen == ["shelf.png"]


async def test_picture_that_is_sent_again_is_answered_with_the_same_event(calling, picture):
    async with calling() as (gallery, client):
        first = await (await client.post(POST, data=picture())).json()
        again = await client.post(POST, data=picture())
        body = await again.json()

    assert (again.status, body["event"]) == (200, first["event"])
    assert len(gallery.plugin.seen) == 1


async def test_same_idempotency_key_is_a_conflict_for_another_picture(calling, picture):
    headers = {"Idempotency-Key": "shelf 7"}
    async with calling() as (gallery, client):
        assert await told(await client.post(POST, data=picture(1), headers=headers)) == (201, "stored")
        assert await told(await client.post(POST, data=picture(2), headers=headers)) == (409, "key_conflict")
        assert await told(await client.post(POST, data=picture(1), headers=headers)) == (200, "stored")

    assert [key for key, _ in gallery.events()] == ["http:gallery:shelf 7"]


async def test_slow_picture_is_promised_and_told_of_later(calling, picture, wait_until):
    go = asyncio.Event()

    async def behave(image, calls):
        await go.wait()
        return {"bright": 0.5}

    async with calling(behave, wait_s=0.05) as (gallery, client):
        response = await client.post(POST, data=picture())
        place = response.headers["Location"]
        assert await told(response) == (202, "waiting")
        assert await told(await client.get(place)) == (202, "waiting")
        go.set()
        await wait_until(gallery.events)
        assert await told(await client.get(place)) == (200, "stored")


async def test_promised_picture_outlives_a_restart(calling, running, picture, wait_until):
    async def behave(image, calls):
        await asyncio.Event().wait()

    async with calling(behave, wait_s=0) as (_, client):
        assert await told(await client.post(POST, data=picture())) == (202, "waiting")
    async with running(upload=True) as gallery:
        await wait_until(gallery.events)


async def test_rejected_picture_is_told_with_the_reason_also_later(calling, picture):
    async def behave(image, calls):
        raise Reject("no book in it")

    async with calling(behave) as (gallery, client):
        for _ in range(2):
            response = await client.post(POST, data=picture())
            assert await told(response) == (422, "refused")
        key = (await response.json())["key"]
        answer = await client.get(f"/v1/images/{key}")
        assert (await answer.json())["error"] == {"code": "rejected", "reason": "no book in it"}

    assert len(gallery.plugin.seen) == 1


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "picture_empty"),
        (b"<html>", 415, "picture_not_jpeg"),
        (b"GIF89a" + b"\0" * 30, 415, "picture_not_jpeg"),
        (b"\xff\xd8" * 2100, 413, "picture_too_large"),
    ],
)
async def test_what_is_no_picture_is_refused_at_once(calling, data, status, code):
    async with calling(limits={"max_picture_bytes": 4000}) as (gallery, client):
        assert await told(await client.post(POST, data=data)) == (status, code)

        async def endless():
            for _ in range(1000):
                yield b"\xff\xd8" * 1000

        if status == 413:
            assert await told(await client.post(POST, data=endless())) == (status, code)

    assert gallery.plugin.seen == gallery.refused() == []


async def test_who_has_no_token_is_not_let_in(calling, picture, caplog):
    async with calling() as (gallery, client):
        for value in ("", "Bearer", "Bearer x", "Basic é"):
            response = await client.post(POST, data=picture(), headers={"Authorization": value})
            assert await told(response) == (401, "no_token")
        assert caplog.text.count("http.refused no_token") == 1
        assert (token_path(gallery.store.data_dir).stat().st_mode & 0o777) == 0o600

    assert gallery.plugin.seen == []


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("POST", "?source=cups", 404, "unknown_source: no instance 'cups' takes uploads"),
        ("POST", "", 404, "unknown_source: say which instance is to be asked: ?source=NAME"),
        ("GET", "/http:gallery:none", 404, "unknown_key: no picture with this key was sent to gallery, or"),
        ("GET", "/http:cups:none", 404, "unknown_source: no instance 'cups' takes uploads"),
        ("GET", "/x", 404, "unknown_key: 'x' is no key of an upload; ask for the `key` that POST answered"),
        ("GET", "s", 404, "bad_request: GET /v1/imagess: Not Found; there are POST /v1/images?source=NAME"),
        ("DELETE", "/x", 405, "bad_request: DELETE /v1/images/x: Method Not Allowed; there are POST"),
    ],
)
async def test_wrong_request_is_answered_in_words(calling, picture, method, path, status, said):
    async with calling() as (_, client):
        response = await client.request(method, "/v1/images" + path, data=picture())
        body = await response.json()

    assert response.status == status
    assert ": ".join(body["error"].values()).startswith(said)


async def test_form_without_a_picture_is_answered_in_words(calling):
    async with calling() as (_, client):
        form = aiohttp.FormData({"comment": "none"}, default_to_multipart=True)
        assert await told(await client.post(POST, data=form)) == (400, "no_picture")
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert await told(await client.post(POST, data=b"junk", headers=headers)) == (400, "bad_form")


async def test_form_with_two_pictures_is_refused_before_either_is_asked_about(calling, picture):
    async with calling() as (gallery, client):
        form = aiohttp.FormData()
        for shade in (1, 2):
            form.add_field("image", picture(shade), filename=f"{shade}.png", content_type="image/png")
        assert await told(await client.post(POST, data=form)) == (400, "two_pictures")

    assert gallery.plugin.seen == []


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"listen": "0.0.0.0:8480"}, "listen beyond the loopback needs cert_file and key_file"),
        ({"listen": "here"}, "listen must be an IP address and a port"),
        ({"listen": "127.0.0.1"}, "listen must be an IP address and a port"),
        ({"listen": "127.0.0.1:80", "cert_file": "a"}, "belong together"),
        ({"cert_file": "a", "key_file": "b"}, "would do nothing without listen"),
    ],
)
def test_http_table_that_cannot_work_is_said(table, problem):
    with pytest.raises(ValueError, match=problem):
        HttpSettings.model_validate(table)


async def test_door_that_cannot_open_leaves_the_one_before_open(calling, free_port, tmp_path, store):
    (tmp_path / "no.pem").write_text("no certificate")
    bad = HttpSettings(listen="127.0.0.1:1", cert_file=tmp_path / "no.pem", key_file=tmp_path / "no.pem")
    good = HttpSettings(listen=f"127.0.0.1:{free_port}")
    door = Door(store.data_dir, {}, store.log, lambda: None)
    await door.open(good)
    with pytest.raises(ConfigError, match=r"http\.cert_file: .*no\.pem"):
        await door.change(good, bad)

    async with aiohttp.ClientSession() as client:
        assert await told(await client.get(f"http://127.0.0.1:{free_port}/v1/images/x")) == (401, "no_token")
    await door.close()


PART = b"--x\r\nContent-Disposition: form-data; name=image\r\n"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"Content-Encoding": "gzip"}, b"no gzip", "bad_body"),
        (FORM, PART + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\ndata\r\n--x--\r\n", "bad_form"),
        (FORM, PART + b"no header\r\n\r\ndata\r\n--x--\r\n", "bad_form"),
        (FORM, PART + b"X: y\r\n" * 5000 + b"\r\ndata\r\n--x--\r\n", "bad_form"),
    ],
)
async def test_body_that_cannot_be_read_is_answered_in_words(calling, caplog, headers, body, code):
    async with calling() as (_, client):
        response = await client.post(POST, data=body, headers=headers)
        assert await told(response) == (400, code)

    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == []


async def test_sender_that_hangs_up_is_no_error_of_the_hub(calling, caplog, picture):
    """As curl does: it asks first whether it may send, and is gone before it is told."""
    async with calling() as (_, client):
        head = f"POST {POST} HTTP/1.1\r\nHost: hub\r\nAuthorization: {client.headers['Authorization']}\r\n"
        asks = f"{head}Expect: 100-continue\r\nContent-Length: 90000\r\n\r\nGI"
        for _ in range(3):
            _, writer = await asyncio.open_connection(client._base_url.host, client._base_url.port)
            writer.write(asks.encode())
            await writer.drain()
            writer.transport.abort()
        assert await told(await client.post(POST, data=picture())) == (201, "stored")
        assert await told(await client.post(POST, data=picture(), expect100=True)) == (200, "stored")

    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == []
