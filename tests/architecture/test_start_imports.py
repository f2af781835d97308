"""The service starts without what only some requests, or only the worker, need: a start is mostly imports."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.tree import ROOT

LATER = ("PIL", "alembic", "c2pa", "eth", "psycopg", "pyhanko", "reportlab", "segno", "sqlalchemy", "sqlmodel", "web3")
PROBE = f"""
import sys, tempfile
from dataclasses import replace
from pathlib import Path
import api.supervisor, api.tuning, uvicorn
from api.app import create_app
from api.settings import Settings
from api.wiring import open_services
with tempfile.TemporaryDirectory() as folder:
    for attempt in range(2):
        with open_services(Settings(data=Path(folder))) as services:
            create_app(services)
        if not attempt:
            # Beginning a log makes its database, which is Alembic's work.
            for name in [name for name in sys.modules if name.partition(".")[0] in {LATER!r}]:
                del sys.modules[name]
print(sorted(name for name in {LATER!r} if name in sys.modules))
"""


def test_the_service_starts_without_what_it_may_never_need() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr
