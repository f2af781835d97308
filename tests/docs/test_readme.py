"""README.md and README.zh.md say the same, and what they tell to type can be typed."""

from __future__ import annotations

import re
import tomllib

from tests.architecture.tree import ROOT

TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")}
ENGLISH, CHINESE = TEXTS.values()


def commands(text: str) -> list[str]:
    """Every line in a block of shell, without its comment."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    indented = re.findall(r"^    (.+)$", text, re.M)
    lines = [*indented, *(line for block in blocks for line in block.splitlines())]
    return [line.partition(" #")[0].strip() for line in lines]


def shape(text: str) -> list[str]:
    """The kinds of lines, in order: headings with their level, list items, rows of tables, fences."""
    kinds = {"-": "item", "|": "row"}
    found = []
    for line in text.splitlines():
        if line.startswith("```"):
            found.append("fence")
        elif line.startswith("#"):
            found.append(f"heading {line.partition(' ')[0]}")
        elif line[:1] in kinds:
            found.append(kinds[line[0]])
    return found


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


def test_both_have_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(CHINESE)
    assert {"make demo", "make test", "make wheel"} <= set(commands(ENGLISH))


def test_both_have_the_same_shape() -> None:
    assert shape(ENGLISH) == shape(CHINESE)
    assert {"heading #", "heading ##", "item", "row", "fence"} == set(shape(ENGLISH))


def test_both_lead_to_the_same_places() -> None:
    assert links(ENGLISH)[0] == "README.zh.md"
    assert links(CHINESE)[0] == "README.md"
    assert links(ENGLISH)[1:] == links(CHINESE)[1:]


def test_both_name_the_same_things() -> None:
    """Words in code type, exit codes and numbers are no matter of language."""
    for pattern in (
        r"`[^`\n]+`",
        r"exit [0-9]",
        r"[0-9]{4,}",
        r"RFC [0-9]+|GB [0-9]+|SCRAPI|PAdES|PostgreSQL|HSM|SD-JWT",
    ):
        assert sorted(re.findall(pattern, ENGLISH)) == sorted(re.findall(pattern, CHINESE)), pattern


def test_the_command_and_the_folders_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"tallystick": "tallystick.__main__:program"}
    for folder in re.findall(r"^\| `([a-z]+)/` \|", ENGLISH, re.M):
        assert (ROOT / folder).is_dir(), folder
