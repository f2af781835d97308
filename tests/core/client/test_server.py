"""A token goes over TLS, or stays on this machine; files are opened one at a time."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tallystick.client.lazy import LazyFile
from tallystick.client.server import check_server
from tallystick.errors import MalformedInput


@pytest.mark.parametrize(
    "address",
    [
        "https://log.example",
        "https://log.example:8443/base/",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://localhost",
    ],
)
def test_safe_addresses(address: str) -> None:
    assert check_server(address) == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "http://log.example",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "https://user:word@log.example",
        "https://log.example/?token=1",
        "ftp://log.example",
        "log.example",
        "https://",
        "",
    ],
)
def test_unsafe_addresses(address: str) -> None:
    with pytest.raises(MalformedInput):
        check_server(address)


def test_a_file_is_read_once_from_the_start_and_then_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    before = len(os.listdir("/proc/self/fd"))
    files = [LazyFile(path) for _ in range(50)]
    assert len(os.listdir("/proc/self/fd")) == before
    for file in files:
        assert (file.tell(), file.seek(0, io.SEEK_END), file.seek(0)) == (0, 10, 0)
        assert (file.read(4), file.read(100), file.read(100)) == (b"0123", b"456789", b"")
        assert file.seek(0) == 0
        assert file.read() == b"0123456789"
    assert len(os.listdir("/proc/self/fd")) == before
