"""Licences in bulk: an order is taken once, worked off in pieces, and goes on where a crash left it."""
