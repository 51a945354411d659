"""URLs from outside: private addresses are known in all their spellings."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.guarded_address import ForbiddenUrlError, check_url, is_public, plain_host

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - to be refused
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "64:ff9b::7f00:1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
SPELLINGS = [
    "https://2130706433/",
    "https://017700000001/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://127.0.0.01/",
    "https://127%2e0%2e0%2e1/",
    "https://１２７.０.０.１/",
    "https://①②⑦.⓪.⓪.①/",
    "https://169。254。169。254/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1]:443/",
    "https://example.org@127.0.0.1/",
    "https://user:password@example.org/",
    "https://example.org\\@127.0.0.1/",
    "https://exa mple.org/",
    "https://example.org\r\nHost: x/",
    "https:///path",
    "https://",
    "//example.org/",
    "example.org",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "http://example.org/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://[::1/",
    "https://-a.example/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 150 + "example/",
    "https://example.org/" + "a" * 3000,
]


@pytest.mark.parametrize("address", PRIVATE)
def test_address_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_address_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("url", SPELLINGS, ids=lambda url: url[:40])
def test_url_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenUrlError):
        check_url(url)


@pytest.mark.parametrize("address", PRIVATE)
def test_url_of_a_private_address_is_refused(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ForbiddenUrlError):
        check_url(f"https://{host}/")


@pytest.mark.parametrize(
    "url", ["https://example.org/hook?a=b", "https://EXAMPLE.org.:8443/", "https://1.1.1.1/"]
)
def test_url_of_a_public_host_is_taken(url: str) -> None:
    assert check_url(url).host in {"example.org", "1.1.1.1"}


@pytest.mark.parametrize(
    "url", ["http://nas.lan/x", "https://NAS.lan./x", "http://10.0.0.5/x", "http://[::1]/x"]
)
def test_url_of_a_host_that_is_allowed_by_name_is_taken(url: str) -> None:
    assert check_url(url, {"nas.lan", "10.0.0.5", "::1"}).path == "/x"


def test_url_is_refused_when_another_host_is_allowed() -> None:
    with pytest.raises(ForbiddenUrlError, match=r"10.0.0.6 is not a public address"):
        check_url("http://10.0.0.6/", {"10.0.0.5", "nas.lan"})


def test_url_refusal_does_not_repeat_what_may_be_secret() -> None:
    with pytest.raises(ForbiddenUrlError) as caught:
        check_url("http://example.org/s3cret-path?token=s3cret")
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=60))
def test_url_of_any_text_is_taken_or_refused(text: str) -> None:
    with suppress(ForbiddenUrlError):
        assert check_url(f"https://{text}").scheme == "https"


@pytest.mark.parametrize(
    ("host", "plain"), [("Example.ORG.", "example.org"), ("10.0.0.1", "10.0.0.1"), ("fe80::A", "fe80::a")]
)
def test_host_is_written_as_it_is_compared(host, plain):
    assert plain_host(host) == plain


@pytest.mark.parametrize("host", ["http://127.0.0.1:28977", "127.0.0.1:80", "[::1]", "me@here", "here/hook"])
def test_host_is_no_url(host):
    with pytest.raises(ForbiddenUrlError, match="must be a host such as"):
        plain_host(host)
