"""2. A film prop of several files gets its identity; only digests leave the studio."""

from __future__ import annotations

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from demo.stage import Stage
from tallystick.assets import Asset, describe
from tallystick.content import FolderContent
from tallystick.events.objects import Basis, ObjectRegistration
from tallystick.identifiers import Letter
from tallystick.schema import write

OWN_WORK = (Basis("declared", "own-work"),)


def register(stage: Stage) -> None:
    """Digest the asset with progress; the studio signs its registration itself."""
    stage.chapter(2, f"The prop is registered: {stage.asset_path.name}")
    stage.asset = _describe(stage)
    content = stage.asset.content
    folder = isinstance(content, FolderContent)
    prop = stage.new(Letter.OBJECT)
    body = ObjectRegistration("composite" if folder else "data", "authored", write(content), OWN_WORK)
    answer, _ = stage.speakers["studio"].say("object.register", prop, body, {"title": stage.asset_path.name})
    stage.ids["prop"] = prop
    for entry in stage.asset.entries[:6]:
        stage.tell(f"{entry.path}  {entry.size:,} bytes  sha256 {entry.sha256[:16]}…  sm3 {entry.sm3[:16]}…")
    if len(stage.asset.entries) > 6:
        stage.tell(f"… and {len(stage.asset.entries) - 6} more files")
    root = content.root if isinstance(content, FolderContent) else content.sha256
    stage.good(f"{prop} at position {answer['position']}, signed by the studio; content {root[:16]}…")
    stage.record("prop", prop, f"{len(stage.asset.files)} files, {content.size:,} bytes, signed by the studio")


def _describe(stage: Stage) -> Asset:
    path = stage.asset_path
    files = [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]
    columns = (TextColumn("   reading"), BarColumn(), DownloadColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=stage.console, transient=True) as progress:
        task = progress.add_task("", total=sum(item.stat().st_size for item in files))
        return describe(path, lambda name, read: progress.update(task, advance=read, description=name))
