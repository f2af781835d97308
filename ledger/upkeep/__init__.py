"""Keeping a log: checked from stored bytes, decided again, backed up, brought back."""
