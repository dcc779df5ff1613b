-- A key per person, so that deletion is the destruction of one row (architecture §4). Wrapped by the key-encryption key `kek_id`.

CREATE TABLE person_key (
    person_id uuid PRIMARY KEY,
    key_id uuid NOT NULL,
    suite smallint NOT NULL,
    wrapped bytea NOT NULL,
    kek_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE person_key IS 'retention: until the person is erased; destroying the row is the erasure of its history';

-- A thing between two persons is sealed under the keys of both.
ALTER TABLE history ADD COLUMN related_person_id uuid;
