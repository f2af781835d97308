"""Witnesses (C2SP tlog-witness): one that anyone can run, and the log's side, which asks and gathers cosignatures."""
