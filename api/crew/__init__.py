"""Hands: processes beside the service, each on a core of its own, that compute and keep nothing (ADR 27, ADR 36)."""
