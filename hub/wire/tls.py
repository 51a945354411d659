"""TLS for agent and hub: the one place that makes an SSL context for connecting to a broker.

cryptography takes 0.1 s to import, so it is imported only where there are files to read.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from hub.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """How to know the broker, and how to prove to it who we are.

    `ca_file` or `ca` (its text) takes the place of the system's authorities. `cert_file` and `key_file` are
    for brokers that want a certificate. `alpn` names the protocol to ask for where a port serves several.
    `place` is the table of the configuration, for messages.
    """

    ca_file: Path | None = None
    ca: str | None = field(default=None, repr=False)
    cert_file: Path | None = None
    key_file: Path | None = None
    alpn: str | None = None
    place: str = "broker"


def check_tls(scheme: str, tls: Tls) -> None:
    """Check that the settings fit together; raises ValueError where they do not."""
    named = [name for name in ("ca_file", "ca", "cert_file", "key_file", "alpn") if getattr(tls, name)]
    if named and scheme != "mqtts":
        raise ValueError(f"{' and '.join(named)} would do nothing: the address does not begin with mqtts://")
    if bool(tls.cert_file) != bool(tls.key_file):
        raise ValueError("cert_file and key_file belong together: set both or none")
    if tls.ca_file and tls.ca:
        raise ValueError("only one of ca_file and ca may be set")
    if tls.alpn and not (tls.alpn.isascii() and len(tls.alpn) < 256):
        raise ValueError("alpn must be the name of a protocol, such as x-amzn-mqtt-ca")


def make_context(tls: Tls) -> ssl.SSLContext:
    """Return a context for connecting: TLS 1.2 at least, the broker's certificate and name always verified.

    Raises:
        ConfigError: A file is missing, cannot be read, or does not fit; with every problem.
    """
    if problems := list_problems(tls):
        raise ConfigError(*problems)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.alpn:
        context.set_alpn_protocols([tls.alpn])
    try:
        if tls.ca_file or tls.ca:
            context.load_verify_locations(tls.ca_file, cadata=tls.ca)
        else:
            context.load_default_certs()
        if tls.cert_file:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except ssl.SSLError as error:
        raise ConfigError(f"{tls.place}: OpenSSL refuses the certificates: {error}") from error
    return context


def list_problems(tls: Tls) -> list[str]:
    """Return a line for each thing that is wrong with the files; dates are not looked at."""
    from hub.wire.pem import list_pair_problems, parse_certificates, read_certificates

    problems: list[str] = []
    try:
        if tls.ca_file:
            read_certificates(f"{tls.place}.ca_file", tls.ca_file)
        if tls.ca:
            parse_certificates(f"{tls.place}.ca", "the text", tls.ca.encode())
    except ConfigError as error:
        problems += error.problems
    if tls.cert_file and tls.key_file:
        place = tls.place
        problems += list_pair_problems(f"{place}.cert_file", tls.cert_file, f"{place}.key_file", tls.key_file)
    return problems


def list_expired(tls: Tls, now: datetime) -> list[str]:
    """Return a line for each certificate in the files that is not valid at a time (aware).

    Raises:
        ConfigError: A file cannot be read.
    """
    from hub.wire.pem import judge_dates, read_certificates

    place = tls.place
    found = [(tls.ca_file, one) for one in (read_certificates(place, tls.ca_file) if tls.ca_file else ())]
    if tls.cert_file:
        found.append((tls.cert_file, read_certificates(place, tls.cert_file)[0]))
    return [text for path, certificate in found if (text := judge_dates(path, certificate, now))]
