"""The service starts without what only some requests, or only the worker, need: a start is mostly imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

CHAINS = ("Crypto", "eth", "eth_hash", "web3")
STORES = ("alembic", "obstore", "psycopg", "sqlalchemy", "sqlmodel")
DOCUMENTS = ("PIL", "c2pa", "pyhanko", "reportlab", "segno")
UNUSED = ("email_validator", "pydantic.v1")
LATER = CHAINS + STORES + DOCUMENTS + UNUSED
PROBE = f"""
import sys
from pathlib import Path
import api.__main__, api.supervisor, uvicorn
from api.tuning import load_framework
load_framework()
from api.app import ROUTERS, create_app
from api.settings import Settings
from api.wiring import open_services
with open_services(Settings(data=Path(sys.argv[1]))) as services:
    create_app(services)
print(sorted(name for name in {LATER!r} if sys.modules.get(name)))
print([route.path for router in ROUTERS for route in router.routes if "dependant" in vars(route)])
"""


def test_the_service_starts_without_what_it_may_never_need(tmp_path: Path) -> None:
    # The first start begins a log and makes its database, which is Alembic's work.
    first, again = (
        subprocess.run([sys.executable, "-c", PROBE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert again.stdout == "[]\n[]\n", again.stdout + again.stderr
