"""JSON members changed in their structure and signed again, with metadata made right: never proved, never a crash."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tallystick import canonical
from tallystick.case.model import INDEX, PROOFS
from tallystick.errors import MalformedInput
from tests.core.verify.kit import Kit
from tests.core.verify.mutate import described
from tests.core.verify.test_attacks import honest

ANCHOR = "data/anchors/0/proof.json"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20) | st.just("0" * 64),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcv", max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every node."""
    found = [path]
    if isinstance(value, dict):
        found += [place for key in value for place in places(value[key], (*path, key))]
    elif isinstance(value, list):
        found += [place for at in range(len(value)) for place in places(value[at], (*path, at))]
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@settings(max_examples=300)
@given(data=st.data())
def test_any_node_of_any_json_member_replaced(data: st.DataObject, kit: Kit) -> None:
    members = honest(kit)
    name = data.draw(st.sampled_from([INDEX, PROOFS, ANCHOR]))
    value = canonical.decode(members[name], 1 << 20)
    path = data.draw(st.sampled_from(places(value)))
    # When a case was exported is the exporter's word, and the exporter signs here.
    assume(path != ("exported_at",))
    new = replaced(value, path, data.draw(VALUES))
    try:
        changed = {**members, name: canonical.encode(new)}
        changed = described(changed)
    except (MalformedInput, KeyError, TypeError, AttributeError):
        # An index without kind or subject has no metadata: the old one stays.
        changed = {**members, name: canonical.encode(new)}
    report = kit.verify(kit.bundle(changed))
    assert (report.verdict == "proved") == (changed == members)


@settings(max_examples=100)
@given(data=st.data())
def test_any_key_of_any_json_member_removed_or_added(data: st.DataObject, kit: Kit) -> None:
    members = honest(kit)
    name = data.draw(st.sampled_from([INDEX, PROOFS, ANCHOR]))
    value = canonical.decode(members[name], 1 << 20)
    path = data.draw(st.sampled_from([place for place in places(value) if place]))
    *parent, key = path
    holder: Any = value
    for step in parent:
        holder = holder[step]
    if isinstance(holder, dict) and data.draw(st.booleans()):
        holder[data.draw(st.text("abcxyz", min_size=1, max_size=4))] = data.draw(VALUES)
    else:
        del holder[key]
    report = kit.verify(kit.bundle({**members, name: canonical.encode(value)}))
    assert report.verdict != "proved"
