-- Data keys, wrapped by the key-encryption keys of the key file, and the processes that use them (decision 0010).

CREATE TABLE data_key (
    key_id text PRIMARY KEY,
    suite smallint NOT NULL,
    wrapped bytea NOT NULL,
    kek_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    activated_at timestamptz,
    retired_at timestamptz,
    CONSTRAINT ck_data_key_retired CHECK (retired_at IS NULL OR activated_at IS NOT NULL)
);
COMMENT ON TABLE data_key IS 'retention: as long as the service; a retired key still opens what a straggler sealed';

CREATE TABLE key_reader (
    reader_id uuid PRIMARY KEY,
    knows text[] NOT NULL,
    seals_with text NOT NULL,
    kek_id text NOT NULL,
    lapses_at timestamptz NOT NULL
);
COMMENT ON TABLE key_reader IS 'retention: as long as the process, at most a day longer';
