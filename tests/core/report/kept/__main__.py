"""Write the kept renderings anew: ``python -m tests.core.report.kept``, after a change that is meant."""

from __future__ import annotations

from tests.core.report.kept import HERE, renderings

for name, text in renderings().items():
    (HERE / name).write_text(text, encoding="utf-8")
