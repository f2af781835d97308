"""Things that fail on purpose: a disk that forgets what was not synced, a step that fails, or fails though done."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.checkpoint_store import Held
from ledger.disk import Written
from ledger.errors import Fenced
from ledger.store import Store

ROOT = Path("/log")


class Fault(OSError):
    """The failure that a test planted."""


@dataclass
class Plan:
    """Counts the steps that change something. Fails step ``fail``: ``before`` it is done, or when it is ``done``."""

    fail: int = -1
    when: str = "before"
    steps: list[str] = field(default_factory=list)

    def step(self, name: str, do: Callable[[], Any], tear: Callable[[], Any] | None = None) -> Any:
        """Do one step, or fail."""
        number = len(self.steps)
        self.steps.append(name)
        if number != self.fail:
            return do()
        if self.when == "done":
            do()
        if self.when == "torn" and tear is not None:
            tear()
        raise Fault(f"planted at step {number}, {name}, {self.when}")


@dataclass
class _Inode:
    data: bytes | None  # None: a folder
    synced: bytes | None = None


@dataclass
class Begun:
    """A file that is written and not synced."""

    disk: MemoryDisk
    inode: _Inode

    def hasten(self) -> None:
        pass

    def sync(self) -> None:
        self.disk.plan.step("sync", functools.partial(self.disk._sync, self.inode))

    def close(self) -> None:
        pass


class MemoryDisk:
    """A ``Disk`` that can lose power: then only synced bytes under synced names remain."""

    def __init__(self) -> None:
        self.plan = Plan()
        self._live: dict[Path, _Inode] = {ROOT: _Inode(None)}
        self._durable = dict(self._live)

    def lose_power(self) -> None:
        """What was not synced is gone; a file whose name was synced before its bytes is empty."""
        reachable = {path for path in self._durable if all(one in self._durable for one in self._between(path))}
        kept = {path: self._durable[path] for path in reachable}
        self._live = {p: i if i.data is None else _Inode(i.synced or b"", i.synced) for p, i in kept.items()}
        self._durable = dict(self._live)

    def _between(self, path: Path) -> list[Path]:
        return [one for one in path.parents if ROOT in (one, *one.parents)]

    def flip(self, path: Path, bit: int = 0) -> None:
        """Flip a bit of a file."""
        inode = self._live[path]
        data = bytearray(inode.data or b"")
        data[bit // 8] ^= 1 << bit % 8
        inode.data = inode.synced = bytes(data)

    def files(self) -> dict[Path, bytes]:
        """All files."""
        return {path: inode.data for path, inode in self._live.items() if inode.data is not None}

    def read(self, path: Path) -> bytes:
        inode = self._live.get(path)
        if inode is None or inode.data is None:
            raise FileNotFoundError(path)
        return inode.data

    def exists(self, path: Path) -> bool:
        return path in self._live

    def write(self, path: Path, data: bytes) -> None:
        assert self._live[path.parent].data is None
        self.plan.step("write", lambda: self._write(path, data), lambda: self._write(path, data[: len(data) // 2]))

    def _write(self, path: Path, data: bytes) -> None:
        self._live[path] = _Inode(data)

    def sync(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self.plan.step("sync", functools.partial(self._sync, self._live[path]))

    def begin_write(self, path: Path, data: bytes) -> Begun:
        self.write(path, data)
        return Begun(self, self._live[path])

    def end_writes(self, begun: Sequence[Written]) -> None:
        for one in begun:
            one.sync()
            one.close()

    def _sync(self, inode: _Inode) -> None:
        inode.synced = inode.data

    def rename(self, path: Path, target: Path) -> None:
        def do() -> None:
            self._live[target] = self._live.pop(path)

        self.plan.step("rename", do)

    def make_folder(self, path: Path) -> None:
        assert self._live[path.parent].data is None
        self.plan.step("make_folder", lambda: self._live.setdefault(path, _Inode(None)))

    def sync_folders(self, paths: Sequence[Path]) -> None:
        for path in paths:
            self.plan.step("sync_folder", functools.partial(self._sync_folder, path))

    def _sync_folder(self, path: Path) -> None:
        assert self._live[path].data is None
        for known in [one for one in self._durable if one.parent == path and one != path]:
            del self._durable[known]
        self._durable.update({one: inode for one, inode in self._live.items() if one.parent == path})


class MemoryCheckpoints:
    """A ``CheckpointStore`` that keeps all that was ever signed."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        self.held = Held(0, 0, "")
        self.notes: list[str] = []

    def latest(self, origin: str) -> Held:
        return self.held

    def take_over(self, origin: str, epoch: int | None = None) -> int:
        def do() -> None:
            if epoch is not None and epoch <= self.held.epoch:
                raise Fenced("planted")
            self.held = Held(epoch or self.held.epoch + 1, self.held.size, self.held.note)

        self.plan.step("take_over", do)
        return self.held.epoch

    def swap(self, origin: str, epoch: int, old: Held, size: int, note: str) -> None:
        def do() -> None:
            if (epoch, old.size, old.note) != (self.held.epoch, self.held.size, self.held.note):
                raise Fenced("planted")
            self.held = Held(epoch, size, note)
            self.notes.append(note)

        self.plan.step("swap", do)


class FaultyTransaction:
    """A transaction whose writes are steps of a plan."""

    def __init__(self, inner: Any, plan: Plan) -> None:
        self._inner = inner
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def append(self, *arguments: Any) -> Any:
        return self._plan.step("append", lambda: self._inner.append(*arguments))

    def index(self, *arguments: Any) -> Any:
        return self._plan.step("index", lambda: self._inner.index(*arguments))


class FaultyStore:
    """A store whose transactions fail to begin, to be written or to be committed; or only say so."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.plan = Plan()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self.plan.step("begin", lambda: None)
        failure = None
        with self._inner.transaction() as working:
            yield FaultyTransaction(working, self.plan)
            try:
                self.plan.step("commit", lambda: None)
            except Fault as fault:
                if self.plan.when == "before":
                    raise
                failure = fault
        if failure:
            raise failure
