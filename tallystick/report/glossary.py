"""How to read the values of a report: what stands before the technical annex."""

from __future__ import annotations

from tallystick.report.phrase import Language

GLOSSARY: tuple[tuple[dict[Language, str], dict[Language, str]], ...] = (
    (
        {"en": "SHA-256, SM3", "zh": "SHA-256、SM3"},
        {
            "en": "Digests: 64 characters computed from a file. Another file gives others; equal digests mean "
            "equal bytes.",
            "zh": "摘要：由文件算得的 64 个字符。文件不同则摘要不同；摘要相同即字节相同。",
        },
    ),
    (
        {"en": "Entry, position", "zh": "条目、位置"},
        {
            "en": "One signed statement in the log, and its number there, counted from 0.",
            "zh": "日志中的一项已签名陈述，及其自 0 起的序号。",
        },
    ),
    (
        {"en": "Tree, root, size", "zh": "日志树、根、大小"},
        {
            "en": "All entries up to a size are summed up in one digest, the root. Changing any of them changes "
            "the root.",
            "zh": "截至某一大小的全部条目汇成一个摘要，即根。改动任一条目，根即改变。",
        },
    ),
    (
        {"en": "Checkpoint, anchor", "zh": "检查点、锚定"},
        {
            "en": "Size and root signed by the log; the same written into a contract on a chain.",
            "zh": "由日志签名的大小与根；将其写入链上合约即为锚定。",
        },
    ),
    (
        {"en": "Key", "zh": "密钥"},
        {
            "en": "The digest of a public key. Who holds the key, the entry that registered it says.",
            "zh": "公钥的摘要。密钥由何人持有，以登记该密钥的条目为准。",
        },
    ),
    (
        {"en": "10.…/A-…", "zh": "10.…/A-…"},
        {
            "en": "Identifiers: A an object, J a job, M a capability, L a licence, R a certificate, D a dispute, "
            "P a party.",
            "zh": "标识：A 客体、J 任务、M 能力、L 许可、R 证书、D 争议、P 主体。",
        },
    ),
)
"""How to read the values of a report."""
