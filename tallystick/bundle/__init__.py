"""Evidence bundles as files: a strict zip (``container``) that holds a signed BagIt 1.0 bag (``bag``)."""

from tallystick.bundle.bag import Bundle, read_bundle, write_bundle
from tallystick.bundle.sources import Slice, Source, blocks_of

__all__ = ["Bundle", "Slice", "Source", "blocks_of", "read_bundle", "write_bundle"]
