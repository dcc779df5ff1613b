-- Rows of what acts leave behind, as the worker of a long operation sends them many at a time (`work.py`, `_FLUSH_ROWS`). Types, not
-- tables: nothing is kept in them.

CREATE TYPE left_event AS (event_id uuid, event_type text, partition_key uuid, division_codes text, data text);
CREATE TYPE left_version AS (
    resource text, resource_id uuid, version integer, person_id uuid, related_person_id uuid, changed text, snapshot bytea);
CREATE TYPE left_line AS (audit_id uuid, person_id uuid, line text, digest bytea);
CREATE TYPE left_key AS (person_id uuid, key_id uuid, suite smallint, wrapped bytea, kek_id text);
