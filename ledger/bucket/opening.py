"""A bucket opened by who publishes into it: its store keeps conditions, and what is shown there is this log's."""

from __future__ import annotations

from collections.abc import Callable

from ledger.bucket.objects import Found, Objects
from ledger.bucket.place import BucketPlace
from ledger.bucket.s3 import S3Objects
from ledger.bucket.tiles import BucketTiles
from ledger.checkpoint_store import Held
from ledger.errors import HistoryLost, ObjectsUnreachable, WrongLog
from ledger.nodes import NodeFiles
from ledger.tilestore import CHECKPOINT
from tallystick.checkpoint import parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.note import parse_note
from tallystick.tree_head import CheckpointKeys, verify_tree_head

PROBE = "conditional-put"
"""An object that is no log's: whether the store keeps conditions is tried on it."""
_PROBED = b"Whether this store keeps the condition of a PUT was tried here; it may be removed.\n"
_NO_TAG = '"00000000000000000000000000000000"'


def reading(place: BucketPlace) -> BucketTiles:
    """For who reads."""
    return BucketTiles(S3Objects(place))


def publishing(place: BucketPlace, keys: CheckpointKeys, held: Held, nodes: NodeFiles) -> tuple[BucketTiles, int]:
    """For the one publisher of a log in a data folder, and the epoch that it has to take.

    It is later than any that has shown a checkpoint there: a checkpoint store that was lost and made anew counts from
    the beginning. Raises ``HistoryLost``, ``WrongLog`` or ``ObjectsUnreachable``.
    """
    objects = S3Objects(place)
    found = check_bucket(objects, keys, lambda: held)
    epoch = max(held.epoch, found.epoch if found else 0) + 1
    return BucketTiles(objects, epoch, nodes), epoch


def elected(
    place: BucketPlace, keys: CheckpointKeys, latest: Callable[[], Held], epoch: int, shown: Callable[[], None]
) -> BucketTiles:
    """For a sequencer that was elected. Raises what ``publishing`` does."""
    objects = S3Objects(place)
    check_bucket(objects, keys, latest)
    return BucketTiles(objects, epoch, shown=shown)


def check_bucket(objects: Objects, keys: CheckpointKeys, latest: Callable[[], Held]) -> Found | None:
    """The checkpoint shown there, which must not be another log's, nor newer than any that the store remembers.

    ``latest`` asks the store: after the bucket, for whoever is to be deposed may show another meanwhile.
    """
    check_conditions(objects)
    found = objects.get(CHECKPOINT)
    try:
        shown = parse_body(parse_note(found.data).text) if found else None
    except MalformedInput:
        return found  # somebody wrote there: what was signed is shown again
    if shown is None:
        return None
    if shown.origin != keys.origin:
        raise WrongLog(
            f"{objects.name} holds the log {shown.origin}, this is {keys.origin}: correct TALLYSTICK_TILES; "
            "each log has a prefix of its own"
        )
    held = latest()
    if shown.size > held.size and _signed(found, keys):
        raise HistoryLost(
            f"{objects.name} shows a checkpoint of {shown.size} leaves that this log signed, the checkpoint store "
            f"remembers {held.size}: it is an old copy, or somebody else signs with these keys. To go on would be a "
            "second history; bring back the newest of the checkpoint store and the database, or `restore`"
        )
    return found


def _signed(found: Found | None, keys: CheckpointKeys) -> bool:
    try:
        verify_tree_head(found.data if found else b"", keys)
    except (MalformedInput, VerificationFailed):
        return False
    return True


def check_conditions(objects: Objects) -> None:
    """Raise ``ObjectsUnreachable`` where a store overwrites what it was asked not to: some take no notice of that."""
    kept = not objects.create(PROBE, _PROBED) or not objects.create(PROBE, _PROBED)
    if not kept or objects.replace(PROBE, _PROBED, 0, _NO_TAG):
        raise ObjectsUnreachable(
            f"the store of {objects.name} takes no notice of If-None-Match or If-Match: a late publisher could "
            "overwrite newer objects there. Choose a store that keeps conditions, or copy the public folder there"
        )
