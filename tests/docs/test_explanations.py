"""`tallystick verify --explain`: each step of the verifier, as docs/evidence-format.md has it."""

from __future__ import annotations

import re

import pytest

from tallystick.__main__ import main
from tallystick.report.explanations import EXPLANATIONS, explain
from tallystick.report.phrase import Language, Phrase
from tallystick.verify.outcome import CLAIM_IDS
from tests.core.verify import attacks_on_facts
from tests.core.verify.attacks import ATTACKS
from tests.docs.pages import page, section, table

assert attacks_on_facts  # its attacks stand in the same table

FORMAT = page("evidence-format.md")
STEPS = {int(row[0]): row for row in table(section(FORMAT, "5. Steps"))}
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def test_every_step_of_the_verifier_has_one_and_no_other() -> None:
    assert set(EXPLANATIONS) == {1, *CLAIM_IDS.values()} == set(STEPS)
    assert {step: one.claim for step, one in EXPLANATIONS.items()} == {
        **{step: claim for claim, step in CLAIM_IDS.items()},
        1: "integrity",
    }


@pytest.mark.parametrize("step", sorted(EXPLANATIONS))
def test_it_is_what_the_page_says(step: int) -> None:
    one, row = EXPLANATIONS[step], STEPS[step]
    assert one.step == step
    assert (f"`{one.claim}`", one.checks.en) == (row[1], row[2])


@pytest.mark.parametrize("step", sorted(EXPLANATIONS))
def test_its_references_lead_somewhere(step: int) -> None:
    places = EXPLANATIONS[step].specification
    assert places
    headings = [(name, re.findall(r"^#+ (.+)$", page(name), re.M)) for name, _ in places]
    assert [heading in found for (_, heading), (_, found) in zip(places, headings, strict=True)] == [True] * len(places)


@pytest.mark.parametrize("step", sorted(EXPLANATIONS))
def test_both_languages_say_all_of_it(step: int) -> None:
    one = EXPLANATIONS[step]
    phrases: list[Phrase] = [one.checks, one.reads, one.refuses, one.failure]
    assert all(phrase.en and re.search("[一-鿿]", phrase.zh) for phrase in phrases)
    for language in LANGUAGES:
        told = explain(step, language)
        assert all((phrase.zh if language == "zh" else phrase.en) in told for phrase in phrases)
        assert one.claim in told
        assert str(step) in told.splitlines()[0]


def test_an_attack_of_the_corpus_stands_behind_each_step_that_reads_the_case() -> None:
    """Steps 2, 11 and 13 to 17 have attacks in tables of their own, with keys and sources that this kit has not."""
    assert {attack.step for attack in ATTACKS.values()} >= set(EXPLANATIONS) - {2, 11, 13, 14, 15, 16, 17}


def test_the_command_needs_no_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--explain", "5", "--lang", "zh"]) == 0
    assert capsys.readouterr().out == explain(5, "zh")
    assert main(["verify", "--explain", "13"]) == 0
    assert capsys.readouterr().out == explain(13, "en")


@pytest.mark.parametrize("given", [["--explain", "0"], ["--explain", "99"], ["--explain", "x"], [], ["case.zip"]])
def test_wrong_usage_is_exit_status_2(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", *given])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""
