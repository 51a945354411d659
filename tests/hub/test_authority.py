"""The hub's own authority: made once, kept from everybody, strict, and it ends some day."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from hub.authority import CA_DAYS, Authority
from hub.errors import ConfigError

NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "tls", NOW)


def handshake(authority, name, folder, names):
    """Shake hands with a server that shows an issued certificate; raises as the client's side does."""
    certificate, key = authority.issue(names)
    (folder / "server.pem").write_bytes(certificate + key)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "server.pem")
    context = ssl.create_default_context(cadata=authority.pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def answer():
        try:
            serving.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with ours, context.wrap_socket(ours, server_hostname=name):
            pass
    finally:
        thread.join()


@pytest.mark.parametrize("name", ["hub.local", "192.168.1.5", "::1"])
def test_authority_issues_what_a_strict_client_takes(authority, tmp_path, name):
    handshake(authority, name, tmp_path, ["hub.local", "192.168.1.5", "::1"])


def test_authority_issues_for_the_names_given_and_no_other(authority, tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'other\.local'"):
        handshake(authority, "other.local", tmp_path, ["hub.local"])


def test_authority_is_made_once(authority, tmp_path):
    assert Authority(tmp_path / "tls", NOW).pem == authority.pem


def test_authority_keeps_its_files_from_everybody_else(authority, tmp_path):
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()}

    assert modes == {"ca.pem": 0o600, "ca.key": 0o600}
    assert (tmp_path / "tls").stat().st_mode & 0o077 == 0


def test_authority_issues_for_those_whose_clock_is_in_1970(authority):
    made = x509.load_pem_x509_certificate(authority.issue(["hub"])[0])

    assert made.not_valid_before_utc.year == 1970
    assert made.not_valid_after_utc > NOW + timedelta(700)


def test_authority_warns_a_year_before_it_ends_and_issues_nothing_beyond(authority, tmp_path):
    late = Authority(tmp_path / "tls", NOW + timedelta(CA_DAYS - 100))
    made = x509.load_pem_x509_certificate(late.issue(["hub"])[0])

    assert authority.warning == ""
    assert "delete ca.pem and ca.key" in late.warning
    assert made.not_valid_after_utc < NOW + timedelta(CA_DAYS + 1)


def test_authority_that_has_ended_says_what_to_do(authority, tmp_path):
    with pytest.raises(ConfigError, match=r"ca\.pem expired on .* delete ca\.pem and ca\.key"):
        Authority(tmp_path / "tls", NOW + timedelta(CA_DAYS + 1))


def test_authority_says_so_when_its_key_is_gone(authority, tmp_path):
    (tmp_path / "tls" / "ca.key").unlink()

    with pytest.raises(ConfigError, match=r"hub\.data_dir: .*ca\.key cannot be read"):
        Authority(tmp_path / "tls", NOW)
