"""Signed notes: the vectors of golang/mod sumdb/note, and every class of malformed line."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey
from tallystick.note import (
    ED25519,
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    OTHER,
    Ed25519Verifier,
    Note,
    Signature,
    check_name,
    key_id,
    parse_note,
    parse_verifier_key,
    sign_ed25519,
    verifier_key,
    verify_note,
)
from tests.world import key_from

# golang/mod sumdb/note: the keys and the signed text of its tests.
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)  # fmt: skip
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
NOTE = TEXT + "\n" + PETER_LINE + ENOCH_LINE


def verifier(text: str) -> Ed25519Verifier:
    name, kind, raw = parse_verifier_key(text)
    assert kind == ED25519
    return Ed25519Verifier(name, PublicKey("ed25519", raw))


PETER, ENOCH = verifier(PETER_KEY), verifier(ENOCH_KEY)


def read(text: str) -> Note:
    return parse_note(text.encode())


def test_the_go_vectors() -> None:
    note = read(NOTE)
    assert note.text == TEXT
    assert [one.name for one in note.signatures] == ["PeterNeumann", "EnochRoot"]
    assert note.encode() == NOTE
    assert verify_note(note, [PETER]) == [PETER]
    assert verify_note(note, [ENOCH, PETER]) == [PETER, ENOCH]
    assert verify_note(read(TEXT + "\n" + PETER_LINE), [ENOCH, PETER]) == [PETER]
    with pytest.raises(VerificationFailed, match="no trusted key signed the note; trusted: none"):
        verify_note(note, [])
    with pytest.raises(VerificationFailed, match=r"trusted: EnochRoot \(af0cfe78\)"):
        verify_note(read(TEXT + "\n" + PETER_LINE), [ENOCH])


def test_the_go_key_signs_as_go_does() -> None:
    assert (PETER.name, PETER.key_id.hex()) == ("PeterNeumann", "c74f20a3")
    assert verifier_key("PeterNeumann", ED25519, PETER.key.raw) == PETER_KEY
    assert (ENOCH.name, ENOCH.key_id.hex()) == ("EnochRoot", "af0cfe78")


def test_every_changed_or_cut_verifier_key_is_malformed() -> None:
    """As the Go test does: every substring, and every byte increased by one."""
    for start in range(len(PETER_KEY) + 1):
        for end in range(start + 1, len(PETER_KEY) + 1):
            if (start, end) != (0, len(PETER_KEY)):
                with pytest.raises(MalformedInput):
                    parse_verifier_key(PETER_KEY[start:end])
    for at, character in enumerate(PETER_KEY):
        with pytest.raises(MalformedInput):
            parse_verifier_key(PETER_KEY[:at] + chr(ord(character) + 1) + PETER_KEY[at + 1 :])
    for bad in ("a b+00000000+AQAA", "+00000000+AQAA", "a+00000000+", "a+00000000+AQ==", "a", PETER_KEY + "\n"):
        with pytest.raises(MalformedInput):
            parse_verifier_key(bad)
    for name in ("a b", "", "a\u3000b", "a\nb", "a\ud800"[:1] + "\u0085"):
        with pytest.raises(MalformedInput, match="is not a key name"):
            parse_verifier_key(verifier_key(name, ED25519, PETER.key.raw))
    # A key of the wrong length, its key ID adjusted: the key ID holds, the key does not load.
    longer = verifier_key("PeterNeumann", ED25519, PETER.key.raw + bytes(3))
    with pytest.raises(MalformedInput, match="an ed25519 key has 32 bytes, found 35"):
        verifier(longer)
    assert PETER_KEY.replace("c74f20a3", "C74F20A3") != PETER_KEY
    with pytest.raises(MalformedInput):
        parse_verifier_key(PETER_KEY.replace("c74f20a3", "C74F20A3"))


def test_the_key_id_as_the_specification_says() -> None:
    assert key_id("n", OTHER, b"key") == hashlib.sha256(b"n\n\xffkey").digest()[:4]
    assert key_id("é", 1, b"") == hashlib.sha256("é".encode() + b"\n\x01").digest()[:4]


SIGNER = key_from("note")
OURS = Ed25519Verifier("log.example/a", SIGNER.public)
LINE = sign_ed25519(TEXT, "log.example/a", SIGNER).line()


def other_lines(count: int) -> str:
    return "".join(Signature(f"witness{one}", bytes(4), bytes(2500)).line() for one in range(count))


def test_unknown_keys_are_ignored_and_many_lines_accepted() -> None:
    for count in (0, 1, 16, MAX_SIGNATURES - 1):
        assert verify_note(read(TEXT + "\n" + other_lines(count) + LINE), [OURS]) == [OURS]
    with pytest.raises(MalformedInput, match="has 65 signatures, at most 64"):
        read(TEXT + "\n" + other_lines(MAX_SIGNATURES) + LINE)


def test_the_same_name_with_another_id_and_the_same_id_with_another_name_are_unknown() -> None:
    wrong = [Signature(OURS.name, bytes(4), bytes(64)), Signature("other", OURS.key_id, bytes(64))]
    strangers = "".join(one.line() for one in wrong)
    assert verify_note(read(TEXT + "\n" + strangers + LINE), [OURS]) == [OURS]
    with pytest.raises(VerificationFailed, match="no trusted key"):
        verify_note(read(TEXT + "\n" + strangers), [OURS])


def test_a_bad_signature_of_a_known_key_refuses_the_whole_note() -> None:
    bad = {
        "another text": sign_ed25519("other\n", OURS.name, SIGNER),
        "zeros": Signature(OURS.name, OURS.key_id, bytes(64)),
        "short": Signature(OURS.name, OURS.key_id, b"\0"),
        "long": Signature(OURS.name, OURS.key_id, SIGNER.sign(TEXT.encode()) + b"\0"),
        "signed by another": Signature(OURS.name, OURS.key_id, key_from("x").sign(TEXT.encode())),
    }
    for one in bad.values():
        for lines in (PETER_LINE + one.line(), one.line() + PETER_LINE, one.line() + LINE, LINE + one.line()):
            with pytest.raises(VerificationFailed):
                verify_note(read(TEXT + "\n" + lines), [PETER, OURS])


def test_a_signature_that_stands_twice_is_refused() -> None:
    with pytest.raises(VerificationFailed, match="two signatures of the same key"):
        verify_note(read(TEXT + "\n" + LINE + LINE), [OURS])


def test_every_changed_byte_of_text_or_signature_fails() -> None:
    data = (TEXT + "\n" + LINE).encode()
    for at in range(len(data)):
        for flip in (1, 2, 0x20, 0x80):
            bad = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
            with pytest.raises((MalformedInput, VerificationFailed)):
                verify_note(parse_note(bad), [OURS])


GOOD64 = to_base64(bytes(5))
MALFORMED = {
    "nothing": "",
    "text alone": TEXT,
    "text and a blank line": TEXT + "\n",
    "no blank line": TEXT + PETER_LINE,
    "no text": "\n" + PETER_LINE,
    "blank lines alone": "\n\n",
    "an empty text": "\n\n" + PETER_LINE,
    "no final newline": (TEXT + "\n" + PETER_LINE)[:-1],
    "text after the signatures": TEXT + "\n" + PETER_LINE + "Unexpected line.\n",
    "a blank line at the end": TEXT + "\n" + PETER_LINE + "\n",
    "carriage returns": (TEXT + "\n" + PETER_LINE).replace("\n", "\r\n"),
    "a control character in the text": "\x01" + TEXT + "\n" + PETER_LINE,
    "a tab in the text": "a\tb\n\n" + PETER_LINE,
    "NUL": "a\0\n\n" + PETER_LINE,
    "a control character in a name": f"a\n\n— a\x1fb {GOOD64}\n",
    "two spaces after the dash": f"a\n\n—  name {GOOD64}\n",
    "no space after the dash": f"a\n\n—name {GOOD64}\n",
    "a hyphen": f"a\n\n- name {GOOD64}\n",
    "an en dash": f"a\n\n– name {GOOD64}\n",
    "a leading space": f"a\n\n — name {GOOD64}\n",
    "a trailing space": f"a\n\n— name {GOOD64} \n",
    "two spaces before the signature": f"a\n\n— name  {GOOD64}\n",
    "no signature": "a\n\n— name\n",
    "no signature but a space": "a\n\n— name \n",
    "no name": f"a\n\n— {GOOD64}\n",
    "an empty name": f"a\n\n—  {GOOD64}\n",
    "three fields": f"a\n\n— name {GOOD64} {GOOD64}\n",
    "a plus in the name": f"a\n\n— na+me {GOOD64}\n",
    "a no-break space in the name": f"a\n\n— na\u00a0me {GOOD64}\n",
    "an ideographic space in the name": f"a\n\n— na\u3000me {GOOD64}\n",
    "a line separator in the name": f"a\n\n— na\u2028me {GOOD64}\n",
    "next line in the name": f"a\n\n— na\u0085me {GOOD64}\n",
    "a key ID alone": f"a\n\n— name {to_base64(bytes(4))}\n",
    "three bytes": f"a\n\n— name {to_base64(bytes(3))}\n",
    "base64 without padding": f"a\n\n— name {to_base64(bytes(5)).rstrip('=')}\n",
    "base64 with stray bits": "a\n\n— name AAAAAAB=\n",
    "URL-safe base64": f"a\n\n— name {to_base64(b'????????').replace('/', '_')}\n",
    "not base64": "a\n\n— name ****\n",
    "one good and one bad line": TEXT + "\n" + PETER_LINE + "— name *\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_notes_are_refused_never_skipped(name: str) -> None:
    with pytest.raises(MalformedInput):
        read(MALFORMED[name])


@pytest.mark.parametrize("data", [b"\xff" + NOTE.encode(), NOTE.encode("utf-16"), b"\xed\xa0\x80" + NOTE.encode()])
def test_notes_are_utf_8(data: bytes) -> None:
    with pytest.raises(MalformedInput, match=r"not UTF-8|control character"):
        parse_note(data)


def test_the_size_cap_comes_first() -> None:
    with pytest.raises(MalformedInput, match="has 1048577 bytes"):
        parse_note(b"\xff" * (MAX_NOTE_BYTES + 1))


def test_a_note_may_be_as_large_as_the_cap() -> None:
    text = "a" * (MAX_NOTE_BYTES - len(("\n\n" + LINE).encode())) + "\n"
    data = (text + "\n" + LINE).encode()
    assert len(data) == MAX_NOTE_BYTES
    assert parse_note(data).text == text


def test_a_verifier_key_of_one_byte_is_read_whatever_its_type() -> None:
    assert parse_verifier_key(verifier_key("a", OTHER, b"x")) == ("a", OTHER, b"x")


def test_the_last_blank_line_divides() -> None:
    """signed-note §Format: the text may hold empty lines, even lines that look like signatures."""
    text = "a\n\n" + PETER_LINE + "\nb\n"
    note = read(text + "\n" + sign_ed25519(text, OURS.name, SIGNER).line())
    assert note.text == text
    assert verify_note(note, [OURS, PETER]) == [OURS]
    assert read("a\n\n\n" + LINE).text == "a\n\n"


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a+b", "a\u2003b", "a\n", "\t", "a\x00", "\u0085", chr(0xD800), chr(0xDFFF)]
)
def test_names_that_no_key_has(name: str) -> None:
    with pytest.raises(MalformedInput, match="is not a key name"):
        check_name(name)


@given(st.text(max_size=60) | st.text("—\n AB=+/ab", max_size=60))
def test_any_text_is_a_note_or_malformed(text: str) -> None:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    try:
        assert parse_note(data).encode() == text
    except MalformedInput:
        return


@given(st.integers(0, len(NOTE.encode()) - 1), st.binary(max_size=4))
def test_mutated_notes_round_trip_or_are_malformed(at: int, inserted: bytes) -> None:
    data = NOTE.encode()[:at] + inserted + NOTE.encode()[at:]
    try:
        assert parse_note(data).encode().encode() == data
    except MalformedInput:
        return
