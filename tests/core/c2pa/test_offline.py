"""Reading a credential opens no connection, and costs nothing to who does not read one."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cryptography import x509

from tallystick.c2pa import judge, read
from tallystick.c2pa.reading import STRICT_SETTINGS
from tests.core.c2pa.kit import AT, claim_signer, custom, manifest, plain, resign, signed, signed_by, world


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """A listening socket: its backlog keeps whoever connected, until asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def was_called(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def pointing_at(listener: socket.socket) -> bytes:
    """A picture whose signer names a revocation service and an issuer to be fetched."""
    url = x509.UniformResourceIdentifier(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, url),
            x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, url),
        ]
    )
    leaf = custom(world().issuing, extra=((access, False),))
    return resign(signed(), leaf.chain[:-1], leaf.key)


def test_no_revocation_service_is_asked(ear: socket.socket) -> None:
    assert judge(read(pointing_at(ear), "image/png"), world().roots, AT).state == "trusted"
    assert not was_called(ear)


def test_the_setting_is_what_keeps_it_quiet(ear: socket.socket) -> None:
    """With the opposite settings c2pa-python does connect: so the test above tests something."""
    import io

    import c2pa

    loud = STRICT_SETTINGS | {
        "core": {"backing_store_memory_threshold_in_mb": 64},
        "verify": STRICT_SETTINGS["verify"] | {"ocsp_fetch": True},
    }
    with c2pa.Reader("image/png", io.BytesIO(pointing_at(ear)), context=c2pa.Context.from_dict(loud)) as reader:
        reader.json()
    assert was_called(ear)


def test_no_thumbnail_is_made() -> None:
    reading = read(signed_by(claim_signer(), plain("image/jpeg"), "image/jpeg", manifest()), "image/jpeg")
    assert [a.label for a in reading.manifest.assertions if "thumbnail" in a.label] == []


def test_c2pa_is_imported_only_to_read() -> None:
    code = "import sys, tallystick.c2pa; sys.exit('c2pa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
