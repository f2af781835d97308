"""What the demo prints: chapters, lines that wrap under themselves, refusals with their reason, and the last table."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

WIDEST = 100
"""Columns: wider lines are hard to read, and a pipe has no width of its own."""
INDENT = "   "


class Screen:
    """A terminal or a pipe."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        width = min(console.width, WIDEST) if console.is_terminal else WIDEST
        self.console = Console(highlight=False, width=width)

    def chapter(self, number: str, title: str, about: str) -> None:
        """A heading, and what happens in the chapter in plain words."""
        self.console.print(f"\n[bold cyan]{number}. {escape(title)}[/]")
        for line in self._wrapped(about, INDENT, INDENT):
            self.console.print(f"[dim]{escape(line)}[/]", soft_wrap=True)

    def tell(self, text: str) -> None:
        """A line."""
        self._lines(text, INDENT, INDENT + "  ")

    def good(self, text: str, then: str = "") -> None:
        """Something that was shown; ``then``, under it, says more."""
        self._marked("✓", "green", text)
        if then:
            self._lines(then, INDENT + "  ", INDENT + "  ")

    def unsure(self, text: str) -> None:
        """Something that is neither shown nor refuted."""
        self._marked("?", "yellow", text)

    def refused(self, what: str, reason: str) -> None:
        """Something that must be refused, and was; the reason stands under it."""
        self._marked("✗", "yellow", f"refused: {what}")
        self._lines(reason, INDENT + "  ", INDENT + "  ")

    def busy(self, text: str) -> AbstractContextManager[Status]:
        """Shown, on a terminal, for as long as something takes."""
        return self.console.status(f"{INDENT}{escape(text)}")

    def table(self, title: str, rows: list[tuple[str, str, str]]) -> None:
        """The last screen: identifiers and paths stay whole, the third column wraps."""
        table = Table(title=escape(title), title_justify="left", title_style="bold")
        table.add_column("made", no_wrap=True)
        table.add_column("where", no_wrap=True, overflow="fold")
        table.add_column("what it proved")
        for row in rows:
            table.add_row(*map(escape, row))
        self.console.print()
        self.console.print(table)

    def stopped(self, why: str) -> None:
        """The demo ends early."""
        self.console.print("\n[bold red]the demo stopped:[/]")
        self._lines(why, INDENT, INDENT)

    def _marked(self, mark: str, style: str, text: str) -> None:
        first, *rest = self._wrapped(text, INDENT + "  ", INDENT + "  ")
        self.console.print(f"{INDENT}[{style}]{mark}[/] {escape(first.lstrip())}", soft_wrap=True)
        for line in rest:
            self.console.print(escape(line), soft_wrap=True)

    def _lines(self, text: str, first: str, rest: str) -> None:
        for line in self._wrapped(text, first, rest):
            self.console.print(escape(line), soft_wrap=True)

    def _wrapped(self, text: str, first: str, rest: str) -> list[str]:
        """Broken between words alone: an identifier, a digest or a path can be copied."""
        lines: list[str] = []
        line, room = "", self.console.width
        for word in text.split():
            longer = f"{line} {word}" if line else (rest if lines else first) + word
            # A Chinese character is two columns wide.
            if line and cell_len(longer) > room:
                lines.append(line)
                longer = rest + word
            line = longer
        return [*lines, line] if line else [""]
