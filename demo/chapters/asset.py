"""2. A film prop of several files gets its identity; only digests leave the studio."""

from __future__ import annotations

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from demo.stage import Stage
from tallystick.assets import Asset, describe
from tallystick.content import FolderContent
from tallystick.events.objects import Basis, ObjectRegistration
from tallystick.identifiers import Letter
from tallystick.schema import write

SHOWN = 8
"""Files listed on the screen."""
OWN_WORK = (Basis("declared", "own-work"),)


def register(stage: Stage) -> None:
    """Digest the asset with progress; the studio signs its registration itself."""
    stage.screen.chapter(
        "2",
        f"The prop is registered: {stage.asset_path.name}",
        "The studio reads its files and signs their digests. Only digests leave the studio; the files stay there.",
    )
    stage.asset = _describe(stage)
    content = stage.asset.content
    folder = isinstance(content, FolderContent)
    prop = stage.new(Letter.OBJECT)
    body = ObjectRegistration("composite" if folder else "data", "authored", write(content), OWN_WORK)
    answer, _ = stage.speakers["studio"].say("object.register", prop, body, {"title": stage.asset_path.name})
    stage.ids["prop"] = prop
    for entry in stage.asset.entries[:SHOWN]:
        stage.screen.tell(f"{entry.path}  {entry.size:,} bytes  sha256 {entry.sha256[:12]}…  sm3 {entry.sm3[:12]}…")
    if len(stage.asset.entries) > SHOWN:
        stage.screen.tell(f"… and {len(stage.asset.entries) - SHOWN} more")
    root = content.root if isinstance(content, FolderContent) else content.sha256
    stage.screen.good(f"{prop} at position {answer['position']}, signed by the studio; content {root[:16]}…")
    stage.record("prop", prop, f"files: {len(stage.asset.files)}; the studio's key signed their exact bytes")


def _describe(stage: Stage) -> Asset:
    path = stage.asset_path
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    columns = (TextColumn("   reading"), BarColumn(), DownloadColumn(), TextColumn("{task.description}"))
    quiet = not stage.screen.console.is_terminal
    with Progress(*columns, console=stage.screen.console, transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=sum(item.stat().st_size for item in files))
        return describe(path, lambda name, read: progress.update(task, advance=read, description=name))
