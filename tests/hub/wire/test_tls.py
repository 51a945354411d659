"""TLS settings: what fits together, and what is said of files that do not."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from hub.errors import ConfigError
from hub.wire.tls import Tls, check_tls, list_expired, list_problems, make_context

NOW = datetime.now(UTC)


@pytest.fixture
def pair(certificates):
    return certificates.issue("porch")


def test_context_verifies_certificate_and_name_and_takes_no_old_tls(certificates, pair):
    context = make_context(Tls(certificates.ca_file, None, *pair, alpn="x-amzn-mqtt-ca"))

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1


def test_context_takes_an_authority_as_text(certificates):
    assert len(make_context(Tls(ca=certificates.ca_file.read_text())).get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("scheme", "tls", "problem"),
    [
        (
            "mqtt",
            Tls(ca_file=Path("ca"), alpn="x"),
            "ca_file and alpn would do nothing: the address does not",
        ),
        ("mqtts", Tls(cert_file=Path("c")), "cert_file and key_file belong together: set both or none"),
        ("mqtts", Tls(ca_file=Path("ca"), ca="x"), "only one of ca_file and ca may be set"),
        ("mqtts", Tls(alpn="ü"), "alpn must be the name of a protocol"),
    ],
)
def test_settings_that_do_not_fit_together_say_so(scheme, tls, problem):
    with pytest.raises(ValueError, match=problem):
        check_tls(scheme, tls)


def test_files_that_are_missing_are_all_named(tmp_path):
    tls = Tls(tmp_path / "ca", None, tmp_path / "cert", tmp_path / "key")

    assert list_problems(tls) == [
        f"broker.{name}_file: {tmp_path / name} cannot be read: No such file or directory"
        for name in ("ca", "cert", "key")
    ]


def test_files_without_what_they_should_hold_are_named(tmp_path):
    (tmp_path / "x").write_text("nothing of the kind")
    tls = Tls(None, "nor this", tmp_path / "x", tmp_path / "x", place="mqtt")

    assert [problem.split(" (")[0] for problem in list_problems(tls)] == [
        "mqtt.ca: the text holds no certificate",
        f"mqtt.cert_file: {tmp_path / 'x'} holds no certificate",
        f"mqtt.key_file: {tmp_path / 'x'} holds no private key",
    ]


def test_key_that_is_encrypted_is_refused_and_nobody_is_asked_for_a_password(pair):
    cert_file, key_file = pair
    key = load_pem_private_key(key_file.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))
    key_file.write_bytes(locked)

    with pytest.raises(ConfigError, match=r"broker\.key_file: .*porch\.key is encrypted .*openssl pkey"):
        make_context(Tls(None, None, cert_file, key_file))


def test_key_of_another_certificate_is_refused(certificates, pair):
    _, other_key = certificates.issue("attic")

    with pytest.raises(ConfigError, match=r"attic\.key is not the key of the certificate in .*porch\.pem"):
        make_context(Tls(None, None, pair[0], other_key))


def test_certificate_that_openssl_refuses_is_named(certificates, pair, monkeypatch):
    def refuse(*_):
        raise ssl.SSLError(1, "[SSL: EE_KEY_TOO_SMALL] ee key too small")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", refuse)
    with pytest.raises(ConfigError, match="broker: OpenSSL refuses the certificates"):
        make_context(Tls(None, None, *pair))


def test_certificate_that_has_expired_is_named_with_its_day(certificates):
    old = certificates.issue("porch", not_before=NOW - timedelta(9), not_after=NOW - timedelta(2))
    tls = Tls(None, None, *old)

    assert list_problems(tls) == []
    assert f"porch.pem expired on {NOW - timedelta(2):%Y-%m-%d}" in list_expired(tls, NOW)[0]


def test_certificate_of_the_future_is_named_with_the_clocks_day(certificates, pair):
    born_1970 = datetime(1970, 1, 1, tzinfo=UTC)

    assert "by the clock here it is 1970-01-01" in list_expired(Tls(None, None, *pair), born_1970)[0]
    assert list_expired(Tls(certificates.ca_file, None, *pair), NOW) == []


def test_tls_never_shows_its_text():
    assert "PEM" not in repr(Tls(ca="PEM"))
