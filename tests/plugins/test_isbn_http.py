"""What an HTTP classifier's refusals are told as."""

from __future__ import annotations

import pytest

from plugins.isbn_http import _elsewhere


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://login.example/in?token=secret", ", to go to 'login.example'"),
        ("https://user:secret@login.example:8443/", ", to go to 'login.example'"),
        ("/in", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_redirect_is_told_by_its_host_alone(location, said):
    assert _elsewhere({"location": location}) == said
