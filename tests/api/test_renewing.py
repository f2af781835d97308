"""``python -m api certificates renew``: all that are in force, or those named; what is refused is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.__main__ import main
from tallystick.client.http import Client
from tallystick.events.certificate import CertificateWithdrawal
from tallystick.identifiers import Letter
from tallystick.schema import write
from tests.api.desk import Desk
from tests.api.test_certificate_life import read_pdf
from tests.api.test_certificates import file_of, issue


def renew(desk: Desk, *arguments: str) -> int:
    return main(["certificates", "renew", "--server", str(desk.house.http.base_url), *arguments])


def stamps(desk: Desk, issued: dict[str, str]) -> int:
    return len(read_pdf(desk, file_of(desk, issued)).stamps)


@pytest.fixture
def registrar(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> str:
    """The registrar's token, where the command looks for it."""
    token = desk.house.registrar.token
    monkeypatch.setenv("TALLYSTICK_TOKEN", token)
    return token


def test_all_in_force_are_renewed_and_no_others(desk: Desk, registrar: str, capsys: pytest.CaptureFixture[str]) -> None:
    kept, gone = issue(desk, "2026-N-1"), issue(desk, "2026-N-2")
    body = write(CertificateWithdrawal("error"))
    desk.house.registrar.record("certificate.withdraw", body, subject=gone["certificate"])
    desk.house.world.clock += 86_400
    assert renew(desk) == 0
    said = capsys.readouterr().out
    assert f"{kept['certificate']}: renewed, logged at position " in said
    assert gone["certificate"] not in said
    assert (stamps(desk, kept), stamps(desk, gone)) == (3, 2)


def test_one_that_is_refused_is_told_and_the_next_is_renewed(
    desk: Desk, registrar: str, capsys: pytest.CaptureFixture[str]
) -> None:
    issued, unknown = issue(desk, "2026-N-3"), desk.house.world.identifier(Letter.CERTIFICATE)
    assert renew(desk, unknown, issued["certificate"]) == 1
    told_of = capsys.readouterr()
    assert f"{unknown}: not renewed: not-found" in told_of.out
    assert f"{issued['certificate']}: renewed" in told_of.out
    assert f"1 of 2 certificates were not renewed: {unknown}" in told_of.err
    assert stamps(desk, issued) == 3


def test_a_party_renews_nothing(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issued = issue(desk, "2026-N-4")
    (tmp_path / "token").write_text(desk.studio.token + "\n")
    assert renew(desk, issued["certificate"], "--token-file", str(tmp_path / "token")) == 1
    assert "not renewed: forbidden" in capsys.readouterr().out
    assert stamps(desk, issued) == 2


def test_a_service_that_does_not_run_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certificates", "renew", "--server", "http://127.0.0.1:1"]) == 1
    assert "no answer from http://127.0.0.1:1" in capsys.readouterr().err


def test_the_certificate_by_the_client_from_issue_to_card_with_receipt(desk: Desk, tmp_path: Path) -> None:
    issued = issue(desk, "2026-N-5")["certificate"]
    with Client(str(desk.house.http.base_url), desk.house.registrar.token) as client:
        assert client.certificate_standing("2026-N-5")["certificate"] == issued
        assert client.certificate_file(issued, tmp_path / "one.pdf") == (tmp_path / "one.pdf").stat().st_size
        assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")
        renewed, drawn = client.renew_certificate(issued), client.issue_certificate_card(issued)
        assert drawn["position"] > renewed["position"]
        size = client.certificate_card(issued, tmp_path / "card.png")
        assert (tmp_path / "card.png").read_bytes().startswith(b"\x89PNG")
        client.publish()
        assert client.with_receipt(tmp_path / "card.png", "image/png", tmp_path / "shown.png") > size
    assert sorted(one.name for one in tmp_path.iterdir()) == ["card.png", "one.pdf", "shown.png"]
