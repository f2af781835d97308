"""Tokens are found without the disk being asked each time, and are worth nothing once they are revoked."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.accounts import FRESH, Accounts


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_was_found_is_not_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts(tmp_path / "accounts.db", Time())
    token, account = accounts.issue("p", ["submit"])
    assert accounts.find(token) == account
    asked: list[str] = []
    accounts._db.set_trace_callback(asked.append)
    assert [accounts.find(token) for _ in range(3)] == [account] * 3
    assert asked == []
    assert accounts.find(token + "x") is None
    accounts.close()


def test_a_revoked_token_is_forgotten_at_once(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts.db", Time())
    token, account = accounts.issue("p", ["submit"])
    assert accounts.find(token) == account
    assert accounts.revoke(account.token_id)
    assert accounts.find(token) is None
    accounts.close()


def test_what_another_process_revokes_is_forgotten_soon(tmp_path: Path) -> None:
    time = Time()
    accounts, other = Accounts(tmp_path / "accounts.db", time), Accounts(tmp_path / "accounts.db", time)
    token, account = accounts.issue("p", ["submit"])
    kept, _ = accounts.issue("q", ["submit"])
    assert (accounts.find(token), accounts.find(kept) is None) == (account, False)
    assert other.revoke(account.token_id)
    time.now += FRESH
    assert accounts.find(token) is None
    assert accounts.find(kept) is not None
    assert other.find(kept) is not None
    accounts.close()
    other.close()
