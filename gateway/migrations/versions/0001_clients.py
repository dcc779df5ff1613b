"""Clients, their credentials, used assertions, evidence.

Revision ID: 0001
Revises:
"""

from alembic import op

from services.chassis.migrations import execute_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_script(
        op,
        """
        CREATE TABLE client (
            client_id text NOT NULL,
            name text NOT NULL,
            organisation text NOT NULL,
            division_code text NOT NULL,
            scopes text[] NOT NULL,
            purposes text[] NOT NULL,
            sandbox boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            revoked_at timestamptz,
            CONSTRAINT pk_client PRIMARY KEY (client_id),
            CONSTRAINT ck_client_client_id CHECK (client_id ~ '^[a-z0-9][a-z0-9-]{2,63}$'),
            CONSTRAINT ck_client_division_code CHECK (division_code ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$'),
            CONSTRAINT ck_client_purposes CHECK (sandbox OR NOT ('*' = ANY (purposes)))
        );
        COMMENT ON TABLE client IS 'retention: as long as evidence names the client';

        CREATE TABLE client_key (
            key_id uuid NOT NULL,
            client_id text NOT NULL,
            secret_digest bytea,
            public_jwk jsonb,
            created_at timestamptz NOT NULL DEFAULT now(),
            valid_until timestamptz,
            CONSTRAINT pk_client_key PRIMARY KEY (key_id),
            CONSTRAINT fk_client_key_client_id FOREIGN KEY (client_id) REFERENCES client (client_id),
            CONSTRAINT ck_client_key_one_credential CHECK ((secret_digest IS NULL) <> (public_jwk IS NULL)),
            CONSTRAINT ck_client_key_secret_digest CHECK (secret_digest IS NULL OR octet_length(secret_digest) = 32)
        );
        CREATE INDEX ix_client_key_client_id ON client_key (client_id);
        COMMENT ON TABLE client_key IS 'retention: as long as the client';

        CREATE TABLE used_assertion (
            client_id text NOT NULL,
            kind text NOT NULL,
            jti text NOT NULL,
            used_for bytea NOT NULL,
            expires_at timestamptz NOT NULL,
            CONSTRAINT pk_used_assertion PRIMARY KEY (client_id, kind, jti)
        );
        CREATE INDEX ix_used_assertion_expires_at ON used_assertion (expires_at);
        COMMENT ON TABLE used_assertion IS 'retention: until the assertion expires';

        CREATE TABLE audit_line (
            audit_id uuid NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            person_id uuid,
            line text NOT NULL,
            digest bytea NOT NULL,
            CONSTRAINT pk_audit_line PRIMARY KEY (audit_id),
            CONSTRAINT ck_audit_line_digest CHECK (octet_length(digest) = 32)
        );
        COMMENT ON TABLE audit_line IS 'retention: 3 years (privacy.md V-33, V-45)';
        """,
    )


def downgrade() -> None:
    execute_script(op, "DROP TABLE client_key, client, used_assertion, audit_line")
