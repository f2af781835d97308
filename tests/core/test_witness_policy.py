"""Trust policies as C2SP tlog-policy writes them; each rule of its text, and each way to break it."""

from __future__ import annotations

import itertools

import pytest

from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import cosign_ed25519, cosign_ml_dsa
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519, Note, Signature, verifier_key
from tallystick.witness_policy import WitnessPolicy, parse_policy
from tests.world import START, World, key_from

WORLD = World()
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
KEYS = {name: key_from(f"policy {name}", "ed25519" if name[0] == "X" else "ml-dsa-44") for name in NAMES}
TEXT = Checkpoint(WORLD.origin, 9, bytes(32)).body()


def vkey(name: str) -> str:
    kind = COSIGNATURE_ED25519 if name[0] == "X" else COSIGNATURE_ML_DSA_44
    return verifier_key(f"witness.example/{name}", kind, KEYS[name].public.raw)


LOG_KEYS = WORLD.signers.keys.verifier_keys()
WITNESSES = "".join(f"witness {name} {vkey(name)}\n" for name in NAMES)
EXAMPLE = f"""\
log {LOG_KEYS[0]}
{WITNESSES}
group X-witnesses 2 X1 X2 X3
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def policy(text: str) -> WitnessPolicy:
    return parse_policy(text.encode())


def line(name: str, seconds: int = START, text: str = TEXT) -> Signature:
    cosign = cosign_ed25519 if name[0] == "X" else cosign_ml_dsa
    return cosign(text, f"witness.example/{name}", KEYS[name], seconds)


def note(*names: str) -> Note:
    return Note(TEXT, tuple(line(name) for name in names))


def test_either_key_of_a_witness_may_do() -> None:
    found = policy(W1 + TWIN + W2 + "group one any a twin\ngroup both all one b\nquorum both\n")
    assert found.satisfied_by(["twin", "b"])
    assert not found.satisfied_by(["twin", "a"])


def test_the_example_of_the_specification() -> None:
    found = policy(EXAMPLE)
    for chosen in itertools.chain.from_iterable(itertools.combinations(NAMES, count) for count in range(7)):
        kinds = "".join(name[0] for name in chosen)
        wanted = kinds.count("X") >= 2 and kinds.count("Y") >= 1
        assert found.satisfied_by(chosen) == wanted
    assert found.require(note("X1", "X3", "Y2")) == ("X1", "X3", "Y2")
    with pytest.raises(VerificationFailed, match="cosigned by X1, X2: not the quorum 'X-and-Y'"):
        found.require(note("X1", "X2"))


def test_urls_comments_and_blanks() -> None:
    found = policy(
        f"# whom we ask\n\n \t\n\tlog\t{LOG_KEYS[1]}  https://log.example/\n"
        f" witness  w {vkey('X1')} https://w.example/ \t\n  # and no more\nquorum w"
    )
    assert [log.url for log in found.logs] == ["https://log.example/"]
    assert [(one.name, one.url, one.key) for one in found.witnesses] == [("w", "https://w.example/", vkey("X1"))]
    assert found.threshold() == 1


def test_names_are_octets() -> None:
    kelvin = f"witness \u212a {vkey('X1')}\nwitness K {vkey('X2')}\nquorum \u212a\n"
    assert policy(kelvin).satisfied_by(["\u212a"])
    assert not policy(kelvin).satisfied_by(["K"])
    raw = b"witness \xff\xfe " + vkey("X1").encode() + b"\nquorum \xff\xfe\n"
    assert parse_policy(raw).satisfied_by([parse_policy(raw).witnesses[0].name])


def test_thresholds_that_a_trust_file_can_say() -> None:
    assert policy("quorum none\n").threshold() == 0
    assert policy(WITNESSES + "quorum none\n").threshold() == 0
    assert policy(WITNESSES + f"group g 4 {' '.join(NAMES)}\nquorum g\n").threshold() == 4
    assert policy(WITNESSES + f"group g all {' '.join(NAMES)}\nquorum g\n").threshold() == 6
    for text in (EXAMPLE, WITNESSES + "quorum X1\n", WITNESSES + "group g 2 X1 X2 X3\nquorum g\n"):
        with pytest.raises(MalformedInput, match="not so many of all the witnesses"):
            policy(text).threshold()


W1, W2 = f"witness a {vkey('X1')}\n", f"witness b {vkey('X2')}\n"
TWIN = f"witness twin {verifier_key('witness.example/X1', COSIGNATURE_ML_DSA_44, KEYS['Y1'].public.raw)}\n"
"""The other key of the witness that ``W1`` names, as a witness of this program prints both."""
SAME_KEY = verifier_key("another.example/name", COSIGNATURE_ED25519, KEYS["X1"].public.raw)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no quorum line"),
        (W1, "no quorum line"),
        ("quorum a\n" + W1, "line 1 .* not defined before"),
        (W1 + "quorum a\nquorum a\n", "line 3 .* one line"),
        (W1 + "quorum a b\n", "one line"),
        (W1 + "quorum b\n", "not defined"),
        (W1 + f"witness b {SAME_KEY}\nquorum a\n", "line 2 .* a witness with this key stands above"),
        (f"log {LOG_KEYS[0]}\nlog {LOG_KEYS[0]}\nquorum none\n", "a log with this key stands above"),
        (W1 + f"witness a {vkey('X2')}\nquorum a\n", "is taken"),
        (f"witness none {vkey('X1')}\nquorum none\n", "is taken"),
        (W1 + W2 + "group a any b\nquorum a\n", "is taken"),
        (W1 + "group none any a\nquorum none\n", "is taken"),
        (W1 + "group g any none\nquorum g\n", "not defined"),
        (W1 + "group g any g\nquorum g\n", "not defined"),
        (W1 + "group g any b\n" + W2 + "quorum g\n", "line 2 .* not defined"),
        (W1 + W2 + "group g any a b\ngroup h any a\nquorum g\n", "a member already"),
        (W1 + W2 + "group g 2 a a\nquorum g\n", "a member already"),
        (f"log {LOG_KEYS[0]}\nwitness w {LOG_KEYS[1]}\nquorum w\n", "cosign for itself"),
        (W1 + TWIN + "group g all a twin\nquorum g\n", "line 3 .* count twice"),
        (W1 + W2 + TWIN + "group g 2 a b twin\nquorum g\n", "line 4 .* count twice"),
        (W1 + W2 + TWIN + "group h any b twin\ngroup g 2 a h\nquorum g\n", "line 5 .* count twice"),
        (W1 + W2 + "group g 0 a b\nquorum g\n", "from 1 to 2"),
        (W1 + W2 + "group g 3 a b\nquorum g\n", "from 1 to 2"),
        (W1 + W2 + "group g 01 a b\nquorum g\n", "from 1 to 2"),
        (W1 + W2 + "group g +1 a b\nquorum g\n", "from 1 to 2"),
        (W1 + W2 + "group g ١ a b\nquorum g\n", "from 1 to 2"),
        (W1 + W2 + "group g most a b\nquorum g\n", "from 1 to 2"),
        (W1 + "group g any\nquorum g\n", "expected: group"),
        ("witness a\nquorum none\n", "expected: witness"),
        (f"witness a {vkey('X1')} https://w.example more\nquorum a\n", "expected: witness"),
        ("log\nquorum none\n", "expected: log"),
        (f"witness a {LOG_KEYS[0]}\nquorum a\n", "expected a cosignature key"),
        (f"log {vkey('X1')}\nquorum none\n", "expected 01 or 06"),
        (f"log {LOG_KEYS[2]}\nquorum none\n", "expected 01 or 06"),
        ("policy 1\nquorum none\n", "is none of log, witness, group, quorum"),
        ("Quorum none\n", "is none of"),
        ("quorum none\r\n", "control character"),
        ("quorum\vnone\n", "control character"),
        ("quorum\u00a0none\n", "is none of"),
        ("quorum none\x7f\n", "control character"),
        (W1[:-2] + "\nquorum a\n", "line 1"),
    ],
)
def test_what_a_policy_must_not_say(text: str, problem: str) -> None:
    with pytest.raises(MalformedInput, match=problem):
        policy(text)


def test_bounds() -> None:
    many = "".join(f"log {verifier_key('l', ED25519, key_from(f'l{one}').public.raw)}\n" for one in range(65))
    with pytest.raises(MalformedInput, match="more than 64"):
        policy(many + "quorum none\n")
    policy(many.split("\n", 1)[1] + "quorum none\n")
    with pytest.raises(MalformedInput, match="at most"):
        policy("#" * (1 << 20) + "\nquorum none\n")


# --- what counts -------------------------------------------------------------------------

TWO = policy(WITNESSES + f"group g 2 {' '.join(NAMES)}\nquorum g\n")


def test_a_witness_counts_once_and_at_its_time() -> None:
    assert TWO.require(note("X1", "Y1"), START) == ("X1", "Y1")
    late = Note(TEXT, (line("X1"), line("Y1", START + 1)))
    assert TWO.cosigners(late, START) == ("X1",)
    with pytest.raises(VerificationFailed, match="not the quorum"):
        TWO.require(late, START)
    twice = Note(TEXT, (line("X1"), line("X1", START + 1)))
    with pytest.raises(VerificationFailed, match="two signatures of the same key"):
        TWO.require(twice)


def test_a_line_that_does_not_verify_spoils_the_note() -> None:
    other = line("X2", text=Checkpoint(WORLD.origin, 10, bytes(32)).body())
    for bad in (other, Signature(other.name, other.key_id, bytes(72)), Signature(other.name, other.key_id, b"a")):
        with pytest.raises(VerificationFailed):
            TWO.require(Note(TEXT, (line("X1"), bad, line("Y1"))))


def test_lines_of_others_do_not_count() -> None:
    stranger = cosign_ed25519(TEXT, "witness.example/X1", key_from("stranger"), START)
    under_another_name = cosign_ed25519(TEXT, "witness.example/X9", KEYS["X2"], START)
    with pytest.raises(VerificationFailed, match="cosigned by X1: not"):
        TWO.require(Note(TEXT, (line("X1"), stranger, under_another_name)))
    with pytest.raises(VerificationFailed, match="no witness of the policy"):
        TWO.require(Note(TEXT, ()))


@pytest.mark.parametrize("kind", [COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44])
def test_a_log_that_takes_another_name_cosigns_for_itself(kind: int) -> None:
    keys = WORLD.signers.keys
    raw = keys.ed25519.raw if kind == COSIGNATURE_ED25519 else keys.ml_dsa.raw
    own = verifier_key("looks-independent.example/w", kind, raw)
    logs = "".join(f"log {key}\n" for key in LOG_KEYS[:2])
    with pytest.raises(MalformedInput, match="has the key of a log, which would cosign for itself"):
        policy(f"witness w {own}\n{logs}quorum w\n")
