"""The verifiable map kept beside a log: on disk, at a size that it names, and never the only copy of anything."""
