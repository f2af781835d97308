"""Batches of events on their way in: read, checked and signed, here or in processes beside the service (ADR 27)."""
