"""Reading a credential opens no connection, and costs nothing to who does not read one."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from cryptography import x509

from tallystick.c2pa import NoCredential, judge, read
from tallystick.c2pa.reading import STRICT_SETTINGS
from tallystick.c2pa.second import opinions
from tests.core.c2pa.kit import AT, chunk, claim_signer, custom, manifest, plain, resign, signed, signed_by, world


class Ear:
    """A server that hangs up on whoever calls, and counts."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._calls = 0
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self._calls += 1
            caller.close()

    def calls(self) -> int:
        """How often others called so far: we call once ourselves, and calls are answered in their order."""
        with socket.create_connection(self.address) as own:
            own.recv(1)  # hung up: everybody before us was counted
        return self._calls - 1

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    listener = Ear()
    yield listener
    listener.close()


def pointing_at(listener: Ear) -> bytes:
    """A picture whose signer names a revocation service and an issuer to be fetched."""
    url = x509.UniformResourceIdentifier(f"http://127.0.0.1:{listener.address[1]}/")
    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(x509.AuthorityInformationAccessOID.OCSP, url),
            x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, url),
        ]
    )
    leaf = custom(world().issuing, extra=((access, False),))
    return resign(signed(), leaf.chain[:-1], leaf.key)


def test_no_revocation_service_is_asked(ear: Ear) -> None:
    assert judge(read(pointing_at(ear), "image/png"), world().roots, AT).state == "trusted"
    assert ear.calls() == 0


def pointing_home(listener: Ear, sign: bool) -> bytes:
    """A picture whose metadata name a manifest elsewhere; signed, or with that alone."""
    url = f"http://127.0.0.1:{listener.address[1]}/manifest.c2pa"
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'dcterms:provenance="{url}"/></rdf:RDF></x:xmpmeta>'
    )
    text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet.encode())
    picture = plain("image/png")[:33] + text + plain("image/png")[33:]
    return signed_by(claim_signer(), picture, "image/png", manifest()) if sign else picture


def test_no_manifest_is_fetched(ear: Ear) -> None:
    with pytest.raises(NoCredential):
        read(pointing_home(ear, sign=False), "image/png")
    both = pointing_home(ear, sign=True)
    assert b"/manifest.c2pa" in both
    assert judge(read(both, "image/png"), world().roots, AT).state == "trusted"
    assert opinions(both, "image/png")[0].verdict == "valid"
    assert opinions(pointing_home(ear, sign=False), "image/png")[0].verdict == "invalid"
    assert ear.calls() == 0


def test_another_setting_fetches_the_manifest(ear: Ear) -> None:
    """So the test above tests something."""
    import io

    import c2pa

    loud = c2pa.Context.from_dict({"version": 1, "verify": {"remote_manifest_fetch": True}})
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader("image/png", io.BytesIO(pointing_home(ear, sign=False)), context=loud)
    assert ear.calls() > 0


def test_the_setting_is_what_keeps_it_quiet(ear: Ear) -> None:
    """With the opposite settings c2pa-python does connect: so the test above tests something."""
    import io

    import c2pa

    loud = STRICT_SETTINGS | {
        "core": {"backing_store_memory_threshold_in_mb": 64},
        "verify": STRICT_SETTINGS["verify"] | {"ocsp_fetch": True},
    }
    with c2pa.Reader("image/png", io.BytesIO(pointing_at(ear)), context=c2pa.Context.from_dict(loud)) as reader:
        reader.json()
    assert ear.calls() > 0


def test_no_thumbnail_is_made() -> None:
    reading = read(signed_by(claim_signer(), plain("image/jpeg"), "image/jpeg", manifest()), "image/jpeg")
    assert [a.label for a in reading.manifest.assertions if "thumbnail" in a.label] == []


def test_c2pa_is_imported_only_to_read() -> None:
    code = "import sys, tallystick.c2pa; sys.exit('c2pa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
