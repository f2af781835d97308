"""Where an independent engine says otherwise than we must, and who is right by the specification."""

from __future__ import annotations

from fnmatch import fnmatch

DIFFERENCES: tuple[tuple[str, str, str], ...] = (
    (
        "the-clock-signs-a-claim an-identity-signs-a-claim signer-for-timestamps update-by-the-clock "
        "the-clocks-root-issues-a-claim-signer the-identity-root-issues-a-claim-signer authority-for-timestamps "
        "expired-with-a-timestamp-by-a-clock-under-the-claim-root",
        "we",
        "C2PA 14.4: lists of signers, of timestamp authorities and of identities are apart",
    ),
    (
        "authorities-in-the-wrong-order authority-twice stray-certificate-at-the-end",
        "we",
        "RFC 9360 §2: each certificate of an x5chain certifies the one before it",
    ),
    (
        "authority-with-a-key-of-1024-bits authority-with-an-unknown-critical-extension "
        "authority-without-a-key-identifier authority-without-key-usage signer-not-yet-valid authority-not-yet-valid",
        "we",
        "C2PA 14.5.1, RFC 5280 §4.2 and §6.1: the whole path has the profile (times: c2pa-python has today's clock)",
    ),
    (
        "claim-with-a-key-* licence-with-a-key-twice",
        "we",
        "RFC 8949 §5.6, RFC 8259 §4: one key twice has no meaning; C2PA 10.3: names of the claim are text",
    ),
    ("header-that-must-be-understood", "we", "RFC 9052 §3.1: what `crit` names must be understood"),
    (
        "chain-outside-the-signature chain-under-both-its-names signature-with-a-second-chain "
        "signature-with-its-payload-attached",
        "we",
        "C2PA 13.2 and 14.6: x5chain is one header, in the protected bucket; the payload is detached",
    ),
    (
        "assertion-listed-* binding-twice binding-leaves-out-* update-with-a-hard-binding update-with-a-box-hash",
        "we",
        "C2PA 15.10 to 15.12, 11.2.3: each assertion once, one hard binding, ranges that do not overlap",
    ),
    (
        "store-told-* manifest-told-as-longer store-with-a-wrong-checksum sidecar-with-a-byte-after-it",
        "we",
        "ISO/IEC 19566-5, PNG §5.3: lengths and checksums are what they are (length 0, to the end, is permitted there)",
    ),
    (
        "expired-with-a-timestamp-over-sha1 expired-with-a-timestamp-over-the-claim-and-not-the-signature",
        "both",
        "The older header is deprecated, and SHA-1 not recommended; neither is proof to us",
    ),
    (
        "signature-with-an-unknown-header signature-with-padding-that-is-not-zero",
        "both",
        "Headers that nobody signed, and padding, may be anything; we take none, so that a file has one form",
    ),
    (
        "authority-with-name-constraints* signer-that-names-another-issuers-key "
        "signer-with-a-key-for-revocation-lists-too signer-for-another-c2pa-purpose",
        "both",
        "RFC 5280 lets it pass, or lets us refuse what we do not heed; our profile is narrower",
    ),
    (
        "action-* timestamp-of-the-future timestamp-from-before-the-certificate",
        "both",
        "C2PA does not hold what a signer tells of times to the time of the check",
    ),
    ("licence-* update-with-*", "both", "Rules of our own assertions, which others cannot know"),
    ("identity-* with-an-identity-*", "both", "Identities: one joins them to its verdict on the claim, one does not"),
    (
        "update-over-a-strangers-manifest with-an-ingredient-by-a-stranger",
        "both",
        "Whether those below the newest manifest must be trusted: we ask it of what is updated, not of ingredients",
    ),
    ("updates-17-on-one-another", "both", "Our limit"),
    (
        "expired-with-a-timestamp-by-a-trusted-clock sidecar",
        "both",
        "encypher-c2pa was not given the clock's root, and does not read files of an unknown kind",
    ),
)
"""(names, who is right, why)"""


def reason(name: str) -> tuple[str, str] | None:
    """(who is right, why) where an engine differs on the file `name`."""
    for names, right, why in DIFFERENCES:
        if any(fnmatch(name, pattern) for pattern in names.split()):
            return right, why
    return None


def table() -> str:
    """For the README."""
    rows = ["| Files | Right | Why |", "|---|---|---|"]
    rows += [
        f"| {' '.join(f'`{name}`' for name in names.split())} | {right} | {why} |" for names, right, why in DIFFERENCES
    ]
    return "\n".join(rows) + "\n"
