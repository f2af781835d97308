"""Where tiles stand in an object store, as one line of text: no secret is ever in it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

FORM = "s3://bucket[/prefix][?endpoint=https://…&region=…&style=virtual]"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,250}(/[A-Za-z0-9._~-]{1,63})?")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_STYLES = ("path", "virtual")
_LONGEST_PREFIX = 500


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """``endpoint`` and ``region``: ``None`` where the environment says it. ``virtual``: the bucket is in the host."""

    bucket: str
    prefix: str
    endpoint: str | None = None
    region: str | None = None
    virtual: bool = False

    @property
    def name(self) -> str:
        """For messages."""
        return "s3://" + "/".join(filter(None, (self.bucket, self.prefix)))


def is_place(text: str) -> bool:
    """Whether somebody meant an object store."""
    return text.startswith("s3:")


def parse_place(text: str) -> BucketPlace:
    """Raises ``MalformedInput`` that says what was expected; it shows no part that could be a secret."""
    # A secret may stand where none belongs, before the bucket: what is not understood is not repeated.
    try:
        parts = urlsplit(text)
        told = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise MalformedInput(f"expected {FORM}") from None
    more, prefix = dict(told), parts.path.strip("/")
    unknown = set(more) - {"endpoint", "region", "style"}
    if parts.scheme != "s3" or parts.fragment or unknown or len(more) != len(told):
        raise MalformedInput(f"expected {FORM}, each at most once")
    if "@" in parts.netloc:
        raise MalformedInput("credentials do not belong here: give them as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
    if not _BUCKET.fullmatch(parts.netloc):
        raise MalformedInput("expected the name of a bucket after s3://: 3 to 63 of a-z 0-9 . -")
    if prefix and not (_PREFIX.fullmatch(prefix) and len(prefix) <= _LONGEST_PREFIX):
        raise MalformedInput(
            "a prefix has letters, digits and . _ ~ - between strokes, and no part begins with a point"
        )
    for name, form in (("endpoint", _ENDPOINT), ("region", _REGION)):
        if name in more and not form.fullmatch(more[name]):
            raise MalformedInput(f"{name}: expected " + ("http(s)://host[:port]" if name == "endpoint" else "its name"))
    style = more.get("style", "path")
    if style not in _STYLES:
        raise MalformedInput("style: expected path or virtual")
    return BucketPlace(parts.netloc, prefix, more.get("endpoint"), more.get("region"), style == "virtual")
