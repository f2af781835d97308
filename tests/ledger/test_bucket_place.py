"""The one line that says where tiles are in an object store."""

from __future__ import annotations

import pytest

from ledger.bucket.place import BucketPlace, parse_place
from tallystick.errors import MalformedInput


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://logs", BucketPlace("logs", "")),
        ("s3://logs/", BucketPlace("logs", "")),
        ("s3://logs.example/a/b-1_~", BucketPlace("logs.example", "a/b-1_~")),
        ("s3://logs?region=eu-central-1", BucketPlace("logs", "", region="eu-central-1")),
        ("s3://logs/a?endpoint=http://[::1]:9000", BucketPlace("logs", "a", "http://[::1]:9000")),
        ("s3://logs/a?endpoint=https://s3.example/minio", BucketPlace("logs", "a", "https://s3.example/minio")),
        ("s3://logs?style=path", BucketPlace("logs", "")),
        (
            "s3://logs/a?endpoint=https://logs.s3.example&region=x&style=virtual",
            BucketPlace("logs", "a", "https://logs.s3.example", "x", True),
        ),
    ],
)
def test_a_place(text: str, place: BucketPlace) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected s3://"),
        ("logs", "expected s3://"),
        ("https://logs", "expected s3://"),
        ("s3://logs#a", "expected s3://"),
        ("s3://[logs", "expected s3://"),
        ("s3://logs?region", "expected s3://"),
        ("s3://logs?secret=k", "expected s3://"),
        ("s3://logs?region=a&region=b", "at most once"),
        ("s3://key:secret@logs", "AWS_ACCESS_KEY_ID"),
        ("s3://", "name of a bucket"),
        ("s3:///a", "name of a bucket"),
        ("s3://Logs", "name of a bucket"),
        ("s3://lo", "name of a bucket"),
        ("s3://" + "l" * 64, "name of a bucket"),
        ("s3://logs/a//b", "a prefix has"),
        ("s3://logs/../b", "a prefix has"),
        ("s3://logs/a b", "a prefix has"),
        ("s3://logs/%2e%2e", "a prefix has"),
        ("s3://logs/" + "a" * 501, "a prefix has"),
        ("s3://logs?endpoint=s3.example", "endpoint: expected"),
        ("s3://logs?endpoint=https://key:secret@s3.example", "endpoint: expected"),
        ("s3://logs?endpoint=https://s3.example/a?b", "endpoint: expected"),
        ("s3://logs?endpoint=", "endpoint: expected"),
        ("s3://logs?region=", "region: expected"),
        ("s3://logs?region=a/b", "region: expected"),
        ("s3://logs?style=host", "style: expected"),
        ("s3://logs?style=", "style: expected"),
    ],
)
def test_what_is_no_place_is_refused_and_not_repeated(text: str, problem: str) -> None:
    with pytest.raises(MalformedInput, match=problem) as caught:
        parse_place(text)
    assert "secret" not in str(caught.value)
    assert "key" not in str(caught.value)
