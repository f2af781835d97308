"""A real PostgreSQL for the suites that run on every backend."""

from tests.postgres import dsn, postgres

__all__ = ["dsn", "postgres"]
