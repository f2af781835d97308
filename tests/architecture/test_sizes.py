"""Files and functions stay small enough to be read at one sitting; long ones are where other projects rot first."""

from __future__ import annotations

import ast

from tests.architecture.tree import files, parse, relative

FILE_LINES = 450
FUNCTION_LINES = 60


def long_functions(tree: ast.Module) -> list[tuple[str, int]]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    sizes = [(n.name, (n.end_lineno or n.lineno) - n.lineno + 1) for n in ast.walk(tree) if isinstance(n, kinds)]
    return [(name, lines) for name, lines in sizes if lines >= FUNCTION_LINES]


def test_no_python_file_is_long() -> None:
    sizes = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files(".py")}
    assert {path: lines for path, lines in sizes.items() if lines >= FILE_LINES} == {}


def test_no_function_is_long() -> None:
    assert [(relative(path), *found) for path in files(".py") for found in long_functions(parse(path))] == []


def test_a_long_function_is_found() -> None:
    assert long_functions(ast.parse("def f():\n" + "    x = 1\n" * 59)) == [("f", 60)]
    assert long_functions(ast.parse("def f():\n" + "    x = 1\n" * 58)) == []
