"""An audited case with any one node of its JSON changed, signed again by the exporter: proved only if it says less."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tallystick import canonical
from tallystick.case.model import INDEX, PROOFS
from tallystick.errors import MalformedInput
from tallystick.report.as_json import json_report
from tallystick.verify import verify_case
from tests.core.verify.kit import AT
from tests.core.verify.mutate import Members, described
from tests.core.verify.test_fuzz import places, replaced
from tests.core.verify.test_histories import Told, tell
from tests.evidence_corpus.shelf import members_of

MAP_PROOFS = "data/map/proofs.json"
PLAIN: list[Any] = [None, 0, 1, True, "", [], {}]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def honest(told: Told) -> Members:
    return members_of(told.material(audits=(told.audit(),)))


def judged(told: Told, members: Members) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        json_report(verify_case(io.BytesIO(told.scene.bundle(members)), told.trust(), AT))
    )
    return found


def strings_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings_of(one)]
    if isinstance(value, list):
        return [text for one in value for text in strings_of(one)]
    return [value] if isinstance(value, str) else []


def at_path(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def others(node: Any, document: Any) -> list[Any]:
    """What may stand in a node's place: plain values, near ones, and texts that stand elsewhere in the document."""
    found: list[Any] = [one for one in PLAIN if one != node or type(one) is not type(node)]
    if isinstance(node, int):
        found += [node - 1, node + 1, node + 2**31]
    if isinstance(node, str):
        alike = sorted({text for text in strings_of(document) if len(text) == len(node)} - {node})
        found += [*alike[:8], node[:-1] + "A", node + node, node.swapcase() + "."]
    if isinstance(node, list) and node:
        found += [node[:-1], node[1:], [*node, node[-1]], [*node[1:], node[0], node[0]]]
    if isinstance(node, dict):
        found += [{**node, "zz": 1}, *({key: node[key] for key in node if key != gone} for gone in sorted(node))]
    return [one for one in found if one != node or type(one) is not type(node)]


def mutants(document: Any) -> Iterator[Any]:
    """The document with one node changed, or gone."""
    for path in places(document):
        # When a case was exported is the exporter's word, and the exporter signs here.
        if path != ("exported_at",):
            for new in others(at_path(document, path), document):
                yield replaced(document, path, new)


RANK = ("contradicted", "not_proved", "needs_external_fact", "proved")


def check(told: Told, honest: Members, changed: Members) -> bool:
    """Whether all is proved still. No claim may stand better then; and where all stand as before, so must the facts."""
    with suppress(MalformedInput, KeyError, TypeError, AttributeError):
        # An index without kind or subject has no metadata: the old one stays.
        changed = described(changed)
    before, after = judged(told, honest), judged(told, changed)
    if after["verdict"] != "proved":
        return False
    old, new = ({one["id"]: one["outcome"] for one in found["claims"]} for found in (before, after))
    assert new.keys() == old.keys()
    assert [one for one in new if RANK.index(new[one]) > RANK.index(old[one])] == []
    if new == old:
        assert {**after["facts"], "covers": None} == {**before["facts"], "covers": None}
    return True


@pytest.mark.parametrize("name", [INDEX, PROOFS, MAP_PROOFS])
def test_a_changed_node_never_proves_more(told: Told, honest: Members, name: str) -> None:
    document = canonical.decode(honest[name], 1 << 20)
    assert check(told, honest, honest)
    every = [{**honest, name: canonical.encode(one)} for one in mutants(document)]
    proved = [one for one in every[:: max(1, len(every) // 101)] if check(told, honest, one)]
    assert [one for one in proved if name != MAP_PROOFS] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [INDEX, PROOFS, MAP_PROOFS])
def test_no_changed_node_proves_more(told: Told, honest: Members, name: str) -> None:
    document = canonical.decode(honest[name], 1 << 20)
    proved = [one for one in mutants(document) if check(told, honest, {**honest, name: canonical.encode(one)})]
    assert [one for one in proved if name != MAP_PROOFS] == []


def test_a_history_that_is_not_shown_is_not_proved_whole(told: Told, honest: Members) -> None:
    """Of what the exporter may leave out of the map's proofs: what names the subject."""
    document = canonical.decode(honest[MAP_PROOFS], 1 << 20)
    [root] = document["roots"].values()
    del root["named"][told.subject]
    after = judged(told, {**honest, MAP_PROOFS: canonical.encode(document)})
    before = judged(told, honest)
    assert [one["outcome"] for one in before["claims"] if one["id"] == "completeness"] == ["proved"]
    assert [one["outcome"] for one in after["claims"] if one["id"] == "completeness"] == ["needs_external_fact"]
