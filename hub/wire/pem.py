"""Reads certificates and private keys, and says in words what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.errors import ConfigError


def read_certificates(place: str, path: Path) -> list[x509.Certificate]:
    """Return the certificates of a PEM file, at least one; a client's or server's own is the first.

    Args:
        place: The setting that names the file, for messages.
        path: The file.

    Raises:
        ConfigError: The file cannot be read, or holds none.
    """
    return parse_certificates(place, str(path), _read(place, path))


def parse_certificates(place: str, name: str, content: bytes) -> list[x509.Certificate]:
    """Return the certificates of PEM text, at least one; raises ConfigError where it holds none."""
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ConfigError(f"{place}: {name} holds no certificate (-----BEGIN CERTIFICATE-----)") from None


def list_pair_problems(cert_place: str, cert_file: Path, key_place: str, key_file: Path) -> list[str]:
    """Return a line for each thing that is wrong with a certificate and its key, but for the dates."""
    problems: list[str] = []
    certificate = key = None
    try:
        certificate = read_certificates(cert_place, cert_file)[0]
    except ConfigError as error:
        problems += error.problems
    try:
        key = _read_key(key_place, key_file)
    except ConfigError as error:
        problems += error.problems
    if certificate and key and certificate.public_key() != key.public_key():
        problems.append(f"{key_place}: {key_file} is not the key of the certificate in {cert_file}")
    return problems


def judge_dates(name: object, certificate: x509.Certificate, now: datetime) -> str:
    """Return what is wrong with a certificate's dates at an aware time, or an empty text."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        return f"the certificate {name} expired on {_day(end)} (by the clock here it is {_day(now)})"
    if now < begin:
        return f"the certificate {name} is valid from {_day(begin)} (by the clock here it is {_day(now)})"
    return ""


def _read_key(place: str, path: Path) -> PrivateKeyTypes:
    content = _read(place, path)
    try:
        return load_pem_private_key(content, None)
    except TypeError:
        how = "nobody is there to type its password: `openssl pkey -in IT -out NEW` decrypts it"
        raise ConfigError(f"{place}: {path} is encrypted ({how})") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{place}: {path} holds no private key (-----BEGIN PRIVATE KEY-----)") from None


def _read(place: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{place}: {path} cannot be read: {error.strerror}") from error


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}"
