"""Multipart requests (RFC 7578) with large files: each part goes straight to disk, under a name of ours.

Starlette's own form parser keeps a file open for each part and reads the body before
anybody asked who sends it. Here the route asks first, and calls ``receive`` then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from api.services.credential_files import require_room
from api.services.errors import TooLarge, Unavailable
from tallystick import canonical
from tallystick.content import FileEntry, check_path
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError, read

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

    from api.accounts import Account
    from api.wiring import Services

MAX_UPLOAD_BYTES = 1 << 30
MAX_LISTS_BYTES = 64 << 20
MAX_UPLOADS = 20_000
_MAX_HEADER_BYTES = 16 << 10
_FEED_BYTES = 1 << 20

# How browsers and most clients write these characters in a file name (HTML, multipart/form-data encoding algorithm).
_ESCAPES = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))


@dataclass(frozen=True)
class Upload:
    """A file that was sent. ``name``: a safe relative path, as the client calls it; ``path``: where it is."""

    name: str
    media_type: str
    path: Path


@dataclass
class Form:
    """What was received: texts by field, files by field in the order in which they came."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A text that must be there. Raises ``FieldError``."""
        if name not in self.texts:
            raise FieldError(name, "missing")
        return self.texts[name]

    def by_name(self, name: str) -> dict[str, Path]:
        """Files of a field by their names, each once. Raises ``FieldError``."""
        found: dict[str, Path] = {}
        for upload in self.files.get(name, []):
            if upload.name in found:
                raise FieldError(name, f"two files are called {upload.name[:200]!r}")
            found[upload.name] = upload.path
        return found


@contextmanager
def upload_folder(request: Request, services: Services, account: Account) -> Iterator[Path]:
    """A folder for one upload of a party, gone at the end of the block. Raises ``TooMany``, ``Unavailable``.

    What is uploaded by all leaves the log its room; what is uploaded by one leaves the others theirs.
    """
    told = request.headers.get("content-length", "")
    size = int(told) if told.isdecimal() and len(told) < 19 else MAX_UPLOAD_BYTES
    with services.uploads.room(account.party, size), services.files.work_folder() as folder:
        yield folder


async def receive(request: Request, folder: Path, texts: Mapping[str, int], files: Mapping[str, int]) -> Form:
    """Read the body into ``folder``.

    ``texts``: fields with the most bytes that each may have; ``files``: fields with the
    most files. Raises ``FieldError``, ``MalformedInput``, ``TooLarge``, ``Unavailable``.
    """
    parts = _Parts(folder, texts, files)
    callbacks: MultipartCallbacks = {
        "on_part_begin": parts.begin,
        "on_header_field": parts.header_name,
        "on_header_value": parts.header_value,
        "on_header_end": parts.header_end,
        "on_headers_finished": parts.headers_finished,
        "on_part_data": parts.data,
        "on_part_end": parts.end,
    }
    pending = bytearray()
    try:
        parser = MultipartParser(_boundary(request), callbacks, max_header_size=_MAX_HEADER_BYTES)
        async for block in request.stream():
            pending += block
            if len(pending) >= _FEED_BYTES:
                require_room(folder)
                await asyncio.to_thread(parser.write, bytes(pending))
                pending.clear()
        await asyncio.to_thread(parser.write, bytes(pending))
        parser.finalize()
        parts.finished()
    except FormParserError as error:
        raise MalformedInput(f"the body is no multipart/form-data: {error}") from None
    except ClientDisconnect:
        raise Unavailable("the connection ended before the upload did", "send it again") from None
    finally:
        parts.close()
    return parts.form


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise FieldError("body", "expected multipart/form-data")
    return options[b"boundary"]


class _Parts:
    """The parser's callbacks: one part at a time, one open file at a time."""

    def __init__(self, folder: Path, texts: Mapping[str, int], files: Mapping[str, int]) -> None:
        self.form = Form()
        self._folder = folder
        self._texts = texts
        self._files = files
        self._count = 0
        self._name = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field = ""
        self._text: bytearray | None = None
        self._out: BinaryIO | None = None
        self._open = False

    def begin(self) -> None:
        self._headers, self._text, self._out, self._open = {}, None, None, True

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = _decoded(options.get(b"name", b""), "body")
        if b"filename" in options:
            self._begin_file(_decoded(options[b"filename"], self._field))
        elif self._field in self._texts and self._field not in self.form.texts:
            self._text = bytearray()
        else:
            raise FieldError(self._field[:60], "unknown, or sent twice; /docs shows the fields")

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._out is not None:
            self._out.write(data[start:end])
        elif self._text is not None:
            self._text += data[start:end]
            limit = self._texts[self._field]
            if len(self._text) > limit:
                raise TooLarge(f"more than {limit} bytes", "send less", self._field)

    def end(self) -> None:
        self._open = False
        if self._text is not None:
            self.form.texts[self._field] = _decoded(bytes(self._text), self._field)
        self.close()

    def finished(self) -> None:
        """Raise ``MalformedInput`` where the body ended within a part."""
        if self._open:
            raise MalformedInput("the body ends within a part")

    def close(self) -> None:
        """Close the file that is being written."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def _begin_file(self, name: str) -> None:
        if self._field not in self._files:
            raise FieldError(self._field[:60], "no files are taken under this name; /docs shows the fields")
        uploads = self.form.files.setdefault(self._field, [])
        if len(uploads) >= self._files[self._field]:
            raise TooLarge(f"more than {self._files[self._field]} files", "send fewer files", self._field)
        for escaped, character in _ESCAPES:
            name = name.replace(escaped, character)
        try:
            check_path(name)
        except MalformedInput as error:
            raise FieldError(self._field, str(error)) from None
        media_type = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
        path = self._folder / str(self._count)
        self._count += 1
        self._out = path.open("xb")
        uploads.append(Upload(name, media_type.partition(";")[0].strip().lower(), path))


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise FieldError(where, "not in UTF-8") from None


def parse_file_list(value: Any, where: str) -> tuple[FileEntry, ...]:
    """A file list from its JSON value. Raises ``FieldError``."""
    if not isinstance(value, list):
        raise FieldError(where, "expected a list of files")
    return tuple(read(FileEntry, item, f"{where}[{index}]") for index, item in enumerate(value))


def parse_json(text: str, limit: int, where: str) -> canonical.JsonValue:
    """JSON with one meaning. Raises ``FieldError``."""
    try:
        return canonical.decode_relaxed(text.encode(), limit)
    except MalformedInput as error:
        raise FieldError(where, str(error)) from None


def multipart(description: str, texts: Mapping[str, str], files: Mapping[str, str]) -> dict[str, Any]:
    """What /docs shows of such a body: descriptions by field. Texts without * are optional, files come once or more."""
    properties: dict[str, Any] = {
        name.rstrip("*"): {"type": "string", "description": text} for name, text in texts.items()
    }
    for name, text in files.items():
        items = {"type": "string", "format": "binary"}
        properties[name.rstrip("*")] = {"type": "array", "items": items, "description": text}
    required = [name[:-1] for name in (*texts, *files) if name.endswith("*")]
    schema = {"type": "object", "properties": properties, "required": required}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"description": description, "content": content, "required": True}}
