"""The core's own messages in Chinese: those that a court meets when a file was changed, cut or packed again.

The core says what it found in English, once, and stays the same in both languages' reports for whoever searches for it.
What stands here is said in Chinese where the report is; a message that is not listed stays as it is.
"""

from __future__ import annotations

import re
from functools import cache

_BYTES = r"(\d+) bytes"
_OTHER = "许可请用 `tallystick license check` 核对，证书请用 `tallystick verify-certificate` 核验"
_WORDS: tuple[tuple[str, str], ...] = (
    # the container and its lists: step 1
    (
        r"not a bundle: the file does not end in a plain zip directory record \(is it whole, was anything added\?\)",
        "不是证据包：文件末尾没有规定形式的 zip 目录（文件是否完整，是否被添加过内容？）",
    ),
    (r"not a bundle but an? (PNG|JPEG) picture: .+", f"不是证据包，而是 {{1}} 图片：{_OTHER}"),
    (r"not a bundle but a PDF: .+", f"不是证据包，而是 PDF 文件：{_OTHER}"),
    (
        r"not a bundle but JSON: an evidence bundle is the \.zip .+",
        "不是证据包，而是 JSON 文件：证据包是 `tallystick export` 或 POST /v1/evidence 所出具的 .zip 文件",
    ),
    (rf"the bundle has {_BYTES}, expected (\d+) to (\d+)", "证据包有 {1} 字节，应为 {2} 至 {3} 字节"),
    (r"the bundle ends early", "证据包不完整，文件提前结束"),
    (
        r"the zip directory entry of (.+) is not of the plain form \(.+\): was it unpacked and packed again\?",
        "zip 目录中 {1} 一项不是规定的形式（不压缩、普通文件、日期为 1980-01-01、无附加字段）："
        "解开后重新打包的文件即如此",
    ),
    (r"the zip directory is (shorter|longer) than the members it counts", "zip 目录的长度与其所称成员数不符"),
    (r"the member (.+) is out of order or stands twice", "成员 {1} 次序不对或出现两次"),
    (r"the member (.+) differs from another by case alone", "成员 {1} 与另一成员仅大小写不同"),
    (r"the member (.+) does not start where the one before it ends", "成员 {1} 未紧接前一成员"),
    (
        r"the local header of (.+) differs from the zip directory",
        "{1} 的文件头与 zip 目录不一致：其名称或内容被改过",
    ),
    (r"bytes stand between the last member and the zip directory", "最后一个成员与 zip 目录之间另有内容"),
    (
        r"the bytes of (.+) do not have the CRC-32 of its header: they were changed",
        "{1} 的字节与其文件头中的 CRC-32 不符：内容被改动过",
    ),
    (r"the bundle has no (?:member )?(.+)", "证据包中没有 {1}"),
    (r"the bundle holds (.+), which no bundle has", "证据包中有 {1}，任何证据包均不应有此文件"),
    (
        r"(.+) is not the list of the files in the bundle: a file that is here is not listed",
        "{1} 与证据包内的文件不一致：有文件未列入清单",
    ),
    (
        r"(.+) is not the list of the files in the bundle: ([0-9a-f]{64})  (.+)",
        "{1} 与证据包内的文件不一致：清单称 {3} 的 SHA-256 为 {2}，包内该文件不同或不存在",
    ),
    (r"bag-info\.txt does not say (.+)", "bag-info.txt 未载明 {1}"),
    (rf"(\S+) has {_BYTES}, at most (\d+) are read", "{1} 有 {2} 字节，最多读取 {3} 字节"),
    # keys and signatures
    (r"the signature does not verify with (\S+) key ([0-9a-f]+)", "签名与 {1} 密钥 {2} 不符：所签内容或签名被改动过"),
    (r"no trusted key signed the note; trusted: (.+)", "没有受信任的密钥签署；信任文件所列为 {1}"),
    (
        r"the checkpoint lacks the log's signature by (.+); if one was replaced, newer keys or a newer trust file name "
        r"its successor",
        "检查点缺少日志以 {1} 作出的签名；如密钥已更换，须用载明新密钥的信任文件",
    ),
    (r"none of the trusted witnesses cosigned, (\d+) must have", "受信任的见证人均未联署，至少须有 {1} 个"),
    (
        r"(\d+) of the trusted witnesses cosigned by then, (\d+) must have",
        "届时仅 {1} 个受信任的见证人联署，至少须有 {2} 个",
    ),
    # disclosures and originals: steps 7 and 8
    (
        r"the disclosure of (.+) has SHA-256 ([0-9a-f]+), the statement commits to ([0-9a-f]+)",
        "所披露的 {1} 的 SHA-256 为 {2}，陈述所承诺的为 {3}",
    ),
    (r"the statement commits to no value named (.+)", "陈述中没有名为 {1} 的承诺"),
    (r"content (\S+): the log says (.+), the bytes give (.+)", "{1} 不同：日志所载为 {2}，由字节算得为 {3}"),
    (r"the object is a single file, the bundle brings (\d+)", "登记的是单个文件，证据包附有 {1} 个"),
    (
        r"the object is a single file, and the bundle brings a file list for it",
        "登记的是单个文件，证据包却附有文件清单",
    ),
    # signed files: step 12
    (
        rf"the file has {_BYTES} and SHA-256 ([0-9a-f]+), the log recorded (\d+) and ([0-9a-f]+)",
        "文件有 {1} 字节，SHA-256 为 {2}；日志所记为 {3} 字节，{4}",
    ),
    (r"the file is about (.+), the log says (.+)", "文件所述为 {1}，日志所载为 {2}"),
)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.DOTALL), said) for pattern, said in _WORDS)


def in_chinese(detail: str) -> str:
    """``detail`` in Chinese where it is one of those above; else as it is."""
    for pattern, said in _compiled():
        if match := pattern.fullmatch(detail):
            return said.format("", *match.groups())
    return detail
