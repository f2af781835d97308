"""Published tiles in an object store that speaks S3: what readers fetch, where anybody may fetch it (ADR 70)."""
