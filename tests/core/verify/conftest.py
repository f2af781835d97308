"""Whatever a test of this folder verifies, honest or forged, its report has the published form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tallystick.verify import Report, engine
from tests.core.verify.report_schema import faults_of


@pytest.fixture(scope="session", autouse=True)
def every_report_has_the_published_form() -> Iterator[None]:
    make = engine._report

    def checked(*given: Any) -> Report:
        report = make(*given)
        assert faults_of(report) == []
        return report

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_report", checked)
        yield
