"""A log that several processes share: PostgreSQL between them, one elected sequencer among them."""
