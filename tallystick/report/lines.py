"""Lines of evidence as sentences."""

from __future__ import annotations

from tallystick.printing import printable
from tallystick.report.detail_words import in_chinese
from tallystick.report.event_names import ROLES_ZH, event_name, in_words, told_of
from tallystick.report.phrases import PHRASES, Language
from tallystick.report.time_words import source_name, word_name
from tallystick.time_interval import Source
from tallystick.verify.outcome import Line

OF_KINDS = tuple(f"traceability.{kind}{more}" for kind in ("licence", "dispute") for more in ("", "-no-root"))
"""What the subject of a case is."""


def sentence(line: Line, language: Language, *, advice: bool = True) -> str:
    """The line in one language; with ``advice``, and what to do next where it reports a fault."""
    phrase = PHRASES[line.key]
    values = {name: printable(_text(value, language)[:600]) for name, value in line.values.items()}
    if language == "zh" and "detail" in values:
        values["detail"] = in_chinese(values["detail"])
    if line.key == "adverse.event":
        values["type"] = event_name(values["type"], language)
        values["detail"] = told_of(values, language)
    if line.key == "time.source":
        values["word"] = word_name(line.values["word"], language)
    if language == "zh" and line.key.startswith("checkpoint.rotated-"):
        values["role"] = ROLES_ZH.get(values["role"], values["role"])
    if line.key in OF_KINDS:
        values["status"] = in_words(values["status"], language)
    if line.key == "disclosure.erased":
        values["grounds"] = in_words(values["grounds"], language)
    if language == "zh":
        told = phrase.zh.format_map(values).strip()
        return f"{told}。应对：{phrase.next_zh}" if phrase.next_zh and advice else told
    told = phrase.en.format_map(values).strip()
    return f"{told}. Next: {phrase.next_en}" if phrase.next_en and advice else told


def _text(value: object, language: Language) -> str:
    return source_name(value, language) if isinstance(value, Source) else str(value)
