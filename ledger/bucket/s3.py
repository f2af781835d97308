"""``Objects`` in a store that speaks S3, by the library obstore, which is loaded where a log has its tiles there.

Credentials come from the environment as the library reads it (``AWS_ACCESS_KEY_ID`` …), or from the machine's role.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from ledger.bucket.objects import LARGEST, Found
from ledger.bucket.place import BucketPlace
from ledger.errors import Corrupt, ObjectsUnreachable

if TYPE_CHECKING:
    from obstore import Attributes, UpdateVersion
    from obstore.store import ClientConfig, RetryConfig, S3Config

CONNECT, WHOLE = timedelta(seconds=5), timedelta(seconds=30)
"""For a connection, and for one request with its answer."""
AGAIN: RetryConfig = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""What was not answered is asked again so often; then whoever asked is told, and may come again."""
SOON: RetryConfig = {**AGAIN, "max_retries": 1, "retry_timeout": timedelta(seconds=5)}
SILENCE = timedelta(seconds=3)
"""A store that says nothing for so long does not answer who reads: readers of the service wait in a thread each."""
PAUSE = 1.0
"""Seconds for which nobody else asks, when a reader was not answered."""
EPOCH = "epoch"
"""The name of the epoch among what a user may say of an object (x-amz-meta-epoch)."""
_FOR_EVER: Attributes = {
    "Content-Type": "application/octet-stream",
    "Cache-Control": "public, max-age=31536000, immutable",
}
_NOTE: Attributes = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache"}
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_ELSEWHERE = ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect")


class S3Objects:
    """See ``Objects``."""

    def __init__(self, place: BucketPlace) -> None:
        """Nothing is asked yet."""
        self.name = place.name
        self._store = _store(place, {"connect_timeout": CONNECT, "timeout": WHOLE}, AGAIN)
        self._reads = _store(place, {"connect_timeout": SILENCE, "read_timeout": SILENCE, "timeout": WHOLE}, SOON)
        self._silent = (0.0, "")
        """Until when nobody asks, and what was told whoever asked last."""

    def get(self, key: str) -> Found | None:
        """See ``Objects``."""
        until, trouble = self._silent
        if time.monotonic() < until:
            raise ObjectsUnreachable(trouble)
        with self._told():
            try:
                answer = obstore.get(self._reads, key)
                if answer.meta["size"] > LARGEST:
                    raise Corrupt(
                        f"{key} in {self.name} has {answer.meta['size']} bytes, no object of a log has so many"
                    )
                data = bytes(answer.bytes())
            except FileNotFoundError as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return None
        return Found(data, answer.meta["e_tag"] or "", _number(answer.attributes.get(EPOCH, "")))

    def create(self, key: str, data: bytes) -> bool:
        """See ``Objects``."""
        return self._put(key, data, _FOR_EVER, "create")

    def replace(self, key: str, data: bytes, epoch: int, tag: str | None) -> bool:
        """See ``Objects``."""
        mode: UpdateVersion | Literal["create"] = "create" if tag is None else {"e_tag": tag}
        return self._put(key, data, {**_NOTE, EPOCH: str(epoch)}, mode)

    def names(self) -> Iterator[str]:
        """See ``Objects``."""
        with self._told():
            for page in obstore.list(self._store):
                yield from (one["path"] for one in page)

    def _put(self, key: str, data: bytes, told: Attributes, mode: UpdateVersion | Literal["create"]) -> bool:
        with self._told():
            try:
                obstore.put(self._store, key, data, attributes=told, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError) as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return False
        return True

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the library raises becomes one sentence, with what to do."""
        try:
            yield
        except (BaseError, OSError) as error:
            trouble = f"{self.name}: {_sentence(error)}"
            if not _code(error):
                self._silent = (time.monotonic() + PAUSE, trouble)
            raise ObjectsUnreachable(trouble) from None


def _store(place: BucketPlace, client: ClientConfig, again: RetryConfig) -> S3Store:
    config: S3Config = {"virtual_hosted_style_request": True} if place.virtual else {}
    if place.region:
        config["region"] = place.region
    if place.endpoint:
        config["endpoint"] = place.endpoint
        client["allow_http"] = place.endpoint.startswith("http:")
    return S3Store(place.bucket, prefix=place.prefix or None, config=config, client_options=client, retry_config=again)


def _sentence(error: Exception) -> str:
    code = _code(error)
    if code == "NoSuchBucket":
        return "there is no such bucket at that endpoint: correct TALLYSTICK_TILES, or make the bucket"
    if _status(error) in ("401", "403"):
        return (
            f"access was denied ({code}): the credentials in the environment need s3:GetObject, s3:PutObject and "
            "s3:ListBucket there; without the last the store denies what is not there instead of saying so"
        )
    if code in _ELSEWHERE or "redirect without LOCATION" in str(error):
        return "the bucket is in another region or at another endpoint: correct region or endpoint"
    if code == "NotImplemented":
        return "the store does not know conditional PUT (If-None-Match, If-Match): a log needs a store that does"
    if "169.254." in str(error):
        return "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
    # How long it took stands before the stroke, and would make another message of the same trouble each time.
    first = str(error).partition("\n")[0].rpartition(" - ")[2].partition("<")[0].strip(" :")
    return f"the object store does not answer as it should ({first[:200]}); it is asked again later"


def _code(error: Exception) -> str:
    """What the store calls the error, or the HTTP status, or nothing where nobody answered."""
    found = _CODE.search(str(error))
    return found[1] if found else _status(error)


def _status(error: Exception) -> str:
    found = _STATUS.search(str(error))
    return found[1] if found else ""


def _number(text: str) -> int:
    """An epoch as it is written here; 0 for what somebody else wrote."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,17}", text) else 0
