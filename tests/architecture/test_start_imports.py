"""The service starts without what only some requests, or only the worker, need: a start is mostly imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

CHAINS = ("Crypto", "eth", "eth_hash", "web3")
STORES = ("alembic", "psycopg", "sqlalchemy", "sqlmodel")
DOCUMENTS = ("PIL", "c2pa", "pyhanko", "reportlab", "segno")
LATER = CHAINS + STORES + DOCUMENTS
PROBE = f"""
import sys
from pathlib import Path
import api.__main__, api.supervisor, api.tuning, uvicorn
from api.app import create_app
from api.settings import Settings
from api.wiring import open_services
with open_services(Settings(data=Path(sys.argv[1]))) as services:
    create_app(services)
print(sorted(name for name in {LATER!r} if name in sys.modules))
"""


def test_the_service_starts_without_what_it_may_never_need(tmp_path: Path) -> None:
    # The first start begins a log and makes its database, which is Alembic's work.
    first, again = (
        subprocess.run([sys.executable, "-c", PROBE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert again.stdout == "[]\n", again.stdout + again.stderr
