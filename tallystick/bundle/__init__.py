"""Evidence bundles as files: a strict zip (``container``) that holds a signed BagIt 1.0 bag (``bag``)."""

from tallystick.bundle.bag import Bundle, read_bundle, write_bundle

__all__ = ["Bundle", "read_bundle", "write_bundle"]
