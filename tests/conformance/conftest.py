"""A real PostgreSQL and a store that speaks S3 for the suites that run on every backend."""

from tests.postgres import dsn, postgres
from tests.s3 import bucket, s3

__all__ = ["bucket", "dsn", "postgres", "s3"]
