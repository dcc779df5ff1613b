-- Attachments: files in a store outside the database, encrypted; here is what is known of them.
-- A comment beginning with "retention:" names the retention class of each table.

CREATE TABLE attachment (
    attachment_id uuid PRIMARY KEY,
    person_id uuid,
    division_code text NOT NULL,
    client_id text NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    purpose text NOT NULL CHECK (purpose IN ('evidence', 'import')),
    retention_class text NOT NULL CHECK (retention_class IN ('working_file', 'case_file', 'sharing_record')),
    kept_until date NOT NULL,
    address bytea NOT NULL UNIQUE CHECK (octet_length(address) = 32),
    sealed_sha256 bytea NOT NULL,
    suite smallint NOT NULL,
    sealed_key bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE attachment IS 'retention: expiry; kept_until, or as long as a case refers to it';
COMMENT ON COLUMN attachment.address IS 'SHA-256 of the ciphertext: where the file lies in the store';
COMMENT ON COLUMN attachment.sealed_key IS 'key of this one file, the only copy';
CREATE INDEX ix_attachment_kept_until ON attachment (kept_until);
CREATE INDEX ix_attachment_person_id ON attachment (person_id) WHERE person_id IS NOT NULL;

-- A case that refers to a file keeps it; one row per person of the case, whose viewers may see the file.
CREATE TABLE attachment_reference (
    attachment_id uuid NOT NULL REFERENCES attachment (attachment_id),
    resource text NOT NULL,
    resource_id uuid NOT NULL,
    person_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (attachment_id, resource, resource_id, person_id)
);
COMMENT ON TABLE attachment_reference IS 'retention: person';
CREATE INDEX ix_attachment_reference_case ON attachment_reference (resource, resource_id);
CREATE INDEX ix_attachment_reference_person_id ON attachment_reference (person_id);

-- Files in the store that no attachment owns: not yet, or no longer.
CREATE TABLE attachment_unowned (
    address bytea PRIMARY KEY CHECK (octet_length(address) = 32),
    since timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE attachment_unowned IS 'retention: settled; until an attachment owns the file, or it is removed';
CREATE INDEX ix_attachment_unowned_since ON attachment_unowned (since);

SELECT protect_rows('attachment');
SELECT protect_rows('attachment_reference');
SELECT protect_rows('attachment_unowned');
-- The uploading division and those above it; each service adds who sees the persons whose file it is.
CREATE POLICY uploaders_see ON attachment FOR SELECT USING (is_in_row_division(division_code));
CREATE POLICY clients_upload ON attachment FOR INSERT WITH CHECK (is_in_row_division(division_code));
-- Ids alone. That a case may refer to a file is decided by who sees the file, before the row is written.
CREATE POLICY cases_see ON attachment_reference FOR SELECT USING (row_has_context());
CREATE POLICY cases_refer ON attachment_reference FOR INSERT WITH CHECK (row_has_context());
-- An upload takes its own announcement away; the address is known to whoever stored the file, and to nobody else.
CREATE POLICY uploads_see ON attachment_unowned FOR SELECT USING (row_has_context());
CREATE POLICY uploads_take_over ON attachment_unowned FOR DELETE USING (row_has_context());

-- Whoever is about to refer to files holds them, seen or not: the job that deletes waits, or has been, and then there is no row.
CREATE FUNCTION hold_attachments(wanted uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
BEGIN
    PERFORM FROM attachment WHERE attachment_id = ANY (wanted) ORDER BY attachment_id FOR KEY SHARE;
    PERFORM narrow_row_context(asked_as);
END $$;

-- A person is erased: its cases are gone, so nothing refers to files for them any more, for whoever shared a case either. The files
-- go that were the person's or that only those cases needed; with the row goes the key, and the job removes what is stored.
CREATE FUNCTION release_attachments(of_person uuid) RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    asked_as text := widen_row_context();
    released uuid[];
BEGIN
    WITH unneeded AS (
        DELETE FROM attachment_reference r USING attachment_reference own
        WHERE own.person_id = of_person AND r.resource = own.resource AND r.resource_id = own.resource_id
        RETURNING r.attachment_id
    )
    SELECT array_agg(attachment_id) INTO released FROM unneeded;
    RETURN QUERY WITH gone AS (
        DELETE FROM attachment a WHERE (a.person_id = of_person OR a.attachment_id = ANY (released))
        AND NOT EXISTS (SELECT FROM attachment_reference r WHERE r.attachment_id = a.attachment_id)
        RETURNING a.attachment_id, a.address
    ), announced AS (
        INSERT INTO attachment_unowned (address) SELECT g.address FROM gone g
    )
    SELECT g.attachment_id FROM gone g;
    PERFORM narrow_row_context(asked_as);
END $$;
