"""What works beside the requests: where it ends by itself, the operator is told."""

from __future__ import annotations

import asyncio
import logging

import pytest

from api.app import _tell


def test_a_task_that_ends_by_an_error_is_told_and_one_that_was_cancelled_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise OSError("the disk is gone")

    async def run() -> None:
        first, second = asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(60))
        for task in (first, second):
            task.add_done_callback(_tell)
        await asyncio.wait([first])
        second.cancel()
        await asyncio.wait([second])

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(run())
    [told] = caplog.records
    assert "ended, until the next start" in told.getMessage()
    assert told.exc_info is not None
    assert isinstance(told.exc_info[1], OSError)
