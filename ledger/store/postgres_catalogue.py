"""How the tables of a log are declared, as the server's catalogue tells it, held against how the migrations made them.

Tables and plain indexes that an administrator added are theirs. A trigger, a rule or a constraint on one of ours is
not: it changes what can be written there; nor is a table that inherits from one, whose rows would count, or refers to
one, whose rows could not go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ledger.store.postgres_wire import Connection

TABLES = (
    *("aligned_checkpoint", "alembic_version", "batches", "disclosures", "entries", "fence", "lease"),
    *("published_checkpoint", "published_tiles", "scrubbing", "states", "statements", "subject_references"),
    "submissions",
)

EXPECTED = frozenset(
    """
column alembic_version.version_num character varying(32) not null
column aligned_checkpoint.epoch bigint not null
column aligned_checkpoint.id smallint not null
column aligned_checkpoint.note bytea not null
column batches.admitted_at bigint not null
column batches.digest bytea not null
column batches.first bigint not null
column batches.position bigint not null
column disclosures.disclosure text collate C not null
column disclosures.name text collate C not null
column disclosures.position bigint not null
column entries.entry bytea not null
column entries.position bigint not null
column entries.statement_id bytea
column fence.epoch bigint not null
column fence.id smallint not null
column lease.epoch bigint not null
column lease.expires timestamp with time zone not null
column lease.holder text collate C not null
column lease.id smallint not null
column published_checkpoint.epoch bigint not null
column published_checkpoint.id smallint not null
column published_checkpoint.note bytea not null
column published_tiles.data bytea not null
column published_tiles.index bigint not null
column published_tiles.level smallint not null
column published_tiles.width smallint not null
column scrubbing.erased bigint not null
column scrubbing.gone bigint not null
column scrubbing.id smallint not null
column statements.event_id text collate C not null
column statements.party text collate C not null
column statements.position bigint not null
column statements.subject text collate C not null
column statements.type text collate C not null
column states.key text collate C not null
column states.state bytea not null
column subject_references.position bigint not null
column subject_references.subject text collate C not null
column submissions.answer bytea
column submissions.left_at timestamp with time zone not null default now()
column submissions.number bigint not null
column submissions.sender text collate C not null
column submissions.turn bigint not null default nextval('submission_turns'::regclass)
column submissions.work bytea not null
constraint alembic_version_pkc on alembic_version: PRIMARY KEY (version_num)
constraint aligned_checkpoint_only_row on aligned_checkpoint: CHECK ((id = 1))
constraint aligned_checkpoint_pkey on aligned_checkpoint: PRIMARY KEY (id)
constraint batches_pkey on batches: PRIMARY KEY ("position")
constraint disclosures_pkey on disclosures: PRIMARY KEY ("position", name)
constraint entries_pkey on entries: PRIMARY KEY ("position")
constraint entries_statement_id on entries: UNIQUE (statement_id)
constraint fence_only_row on fence: CHECK ((id = 1))
constraint fence_pkey on fence: PRIMARY KEY (id)
constraint lease_only_row on lease: CHECK ((id = 1))
constraint lease_pkey on lease: PRIMARY KEY (id)
constraint published_checkpoint_only_row on published_checkpoint: CHECK ((id = 1))
constraint published_checkpoint_pkey on published_checkpoint: PRIMARY KEY (id)
constraint published_tiles_pkey on published_tiles: PRIMARY KEY (level, index, width)
constraint scrubbing_only_row on scrubbing: CHECK ((id = 1))
constraint scrubbing_pkey on scrubbing: PRIMARY KEY (id)
constraint statements_party_event_id on statements: UNIQUE (party, event_id)
constraint statements_pkey on statements: PRIMARY KEY ("position")
constraint states_pkey on states: PRIMARY KEY (key)
constraint subject_references_pkey on subject_references: PRIMARY KEY ("position", subject)
constraint submissions_pkey on submissions: PRIMARY KEY (sender, number)
index batches_admitted_at on batches: admitted_at
index statements_type on statements: type, "position"
index subject_references_subject on subject_references: subject, "position"
index submissions_waiting on submissions: turn where (answer IS NULL)
sequence submission_turns: bigint from 1 by 1, 1 to 9223372036854775807
""".strip().split("\n")
)
"""Of schema ``ledger.store.postgres.SCHEMA``. A test holds it against what the migrations make."""

# Of the tables that are found where this program finds them. NOT NULL stands with its column, whatever the version.
_QUERY = """
WITH ours AS (
    SELECT oid, relname FROM pg_class
    WHERE relname = ANY(%s) AND relkind IN ('r', 'p') AND pg_table_is_visible(oid)
)
SELECT format('table %%s, not logged', relname) FROM ours JOIN pg_class USING (oid, relname) WHERE relpersistence <> 'p'
UNION ALL
SELECT format('table %%s, which inherits from %%s', inhrelid::regclass, relname)
    FROM ours JOIN pg_inherits ON inhparent = ours.oid
UNION ALL
SELECT format('column %%s.%%s %%s%%s%%s%%s%%s', relname, attname, format_type(atttypid, atttypmod),
        CASE WHEN attcollation NOT IN (0, 'pg_catalog."default"'::regcollation)
            THEN ' collate ' || trim('"' FROM attcollation::regcollation::text) ELSE '' END,
        CASE WHEN attnotnull THEN ' not null' ELSE '' END,
        ' default ' || pg_get_expr(adbin, adrelid), CASE WHEN attidentity <> '' THEN ' identity' ELSE '' END)
    FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
SELECT format('constraint %%s on %%s: %%s', conname, relname, pg_get_constraintdef(c.oid))
    FROM ours JOIN pg_constraint c ON conrelid = ours.oid AND contype <> 'n'
UNION ALL
SELECT format('constraint %%s on %%s, which refers to %%s', conname, conrelid::regclass, relname)
    FROM ours JOIN pg_constraint ON confrelid = ours.oid
UNION ALL
SELECT format('index %%s on %%s%%s: %%s%%s', i.relname, ours.relname, CASE WHEN indisunique THEN ', unique' ELSE '' END,
        (SELECT string_agg(pg_get_indexdef(indexrelid, number, false), ', ' ORDER BY number)
            FROM generate_series(1, indnkeyatts) AS number),
        ' where ' || pg_get_expr(indpred, indrelid)) || CASE WHEN indisvalid THEN '' ELSE ', invalid' END
    FROM ours JOIN pg_index ON indrelid = ours.oid JOIN pg_class i ON i.oid = indexrelid
    WHERE NOT (indisvalid AND EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = ours.oid))
UNION ALL
SELECT format('sequence %%s: %%s from %%s by %%s, %%s to %%s%%s%%s', relname, seqtypid::regtype, seqstart, seqincrement,
        seqmin, seqmax, CASE WHEN seqcycle THEN ', again and again' ELSE '' END,
        CASE WHEN relpersistence <> 'p' THEN ', not logged' ELSE '' END)
    FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid
    WHERE relname = 'submission_turns' AND pg_table_is_visible(c.oid)
UNION ALL
SELECT format('trigger %%s on %%s', tgname, relname)
    FROM ours JOIN pg_trigger ON tgrelid = ours.oid AND NOT tgisinternal
UNION ALL
SELECT format('rule %%s on %%s', rulename, relname) FROM ours JOIN pg_rewrite ON ev_class = ours.oid
UNION ALL
SELECT format('row security on %%s', relname) FROM ours JOIN pg_class USING (oid, relname) WHERE relrowsecurity
"""


def differences(found: Collection[str]) -> Iterator[str]:
    """What is missing and what is too much in what ``declared`` gives, in words."""
    yield from (f"there is no {line}" for line in sorted(EXPECTED.difference(found)))
    for line in sorted(set(found) - EXPECTED):
        if not line.startswith("index ") or ", unique: " in line:
            yield f"nobody knows the {line}"


def declared(connection: Connection) -> set[str]:
    """A line for each table, column, constraint, index, trigger and rule of a log's tables."""
    with connection.transaction():
        # Whatever else is set for this database or role: the lines are compared as text.
        connection.execute("SET LOCAL quote_all_identifiers = off")
        return {line for (line,) in connection.execute(_QUERY, (list(TABLES),))}
