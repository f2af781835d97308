"""Where entries, their index and the admission state are kept: one small Protocol, native backends."""

from ledger.store.protocol import BatchLine, Line, Reads, Record, Search, Store, Transaction, leaves_digest

__all__ = ["BatchLine", "Line", "Reads", "Record", "Search", "Store", "Transaction", "leaves_digest"]
