"""Text from outside on a terminal or a page: names, terms and messages are shown, never obeyed.

Escape sequences clear a screen and draw another answer; bidirectional and
invisible characters make a reader see other words than those that were signed.
"""

from __future__ import annotations

import errno
import json
import os
from typing import Any

LONGEST = 2000
"""Characters of one message; what it quotes may be as long as the file that it speaks of."""


def printable(text: str) -> str:
    """``text`` with every character that is not shown as itself written as its code; a newline is one too."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _code(character) for character in text)


def message(error: Exception) -> str:
    """What an error says, on one line of bounded length."""
    told = str(error)
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike):
        # "[Errno 2] No such file or directory: 'case.zip'" is for programmers.
        told = f"{os.fsdecode(error.filename)}: {error.strerror}"
    return printable(told[:LONGEST])


_REASONS_ZH = {
    errno.ENOENT: "没有这个文件或文件夹",
    errno.EISDIR: "这是文件夹，须给出其中的文件",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EACCES: "无权读写",
    errno.ENOSPC: "磁盘已满",
    errno.EROFS: "所在磁盘只读",
    errno.EEXIST: "已有同名文件",
}
"""What the operating system says most often, in Chinese."""


def untried(error: Exception, lang: str = "en") -> str:
    """Why nothing was verified, with its head: a file that cannot be opened or written is not one of a wrong form."""
    zh = lang == "zh"
    if not isinstance(error, OSError):
        return f"{'格式不符：' if zh else 'malformed: '}{message(error)}"
    told = message(error)
    if zh and error.strerror and (reason := _REASONS_ZH.get(error.errno or 0)):
        told = told.removesuffix(error.strerror) + reason
    return f"{'无法读写：' if zh else 'cannot be opened or written: '}{told}"


def json_text(value: Any, indent: int | None = 2) -> str:
    """JSON for people and programs: what is not shown as itself stands as an escape, so the value is the same."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    # Outside strings the only such character is the newline of the layout.
    return "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text)


def _escape(character: str) -> str:
    """UTF-16, as JSON has it (RFC 8259 §7)."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _code(character: str) -> str:
    point = ord(character)
    return f"\\u{point:04x}" if point < 1 << 16 else f"\\U{point:08x}"
