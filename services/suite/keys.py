"""Key files of a suite on one machine, made once. In production they come from a key store, named by the same variables."""

import json
from collections.abc import Iterable
from pathlib import Path

from gateway.keys import SigningKeys, make_signing_key
from services.chassis.evidence.checkpoint import SigningKeys as AuditKeys
from services.chassis.evidence.checkpoint import make_audit_key
from services.chassis.key_file import Digest, KeySet, make_key, make_key_file
from services.chassis.sealing import Suite
from services.suite.catalogue import GATEWAY
from services.suite.data_folder import write_atomically


class KeyFiles:
    """The folder of key files, mode 0700; every file 0600. What exists is never replaced: data are sealed with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def access_key(self) -> Path:
        """Signs access tokens for the outside."""
        return self._folder / "gateway-access.jwk.json"

    @property
    def inside_key(self) -> Path:
        """Signs the gateway's inside tokens."""
        return self._folder / "gateway-inside.jwk.json"

    @property
    def inside_jwks(self) -> Path:
        """Public half of `inside_key`, for the services."""
        return self._folder / "inside.jwks.json"

    def of(self, service: str) -> Path:
        """Encryption, index and cursor keys of one service."""
        return self._folder / f"{service}.json"

    def audit_key(self, service: str) -> Path:
        """Signs the audit checkpoints of one process."""
        return self._folder / f"{service}-audit.jwk.json"

    @property
    def audit_public(self) -> Path:
        """Folder of the public halves, `<service>.jwks.json`: all that a verifier needs."""
        return self._folder / "audit"

    def ensure(self, services: Iterable[str], *, cipher_suite: str = "aes-256-gcm") -> None:
        """Make what is missing; blind indexes of new files are made by the digest that goes with the suite."""
        digest = Digest.HMAC_SM3 if Suite.named(cipher_suite) is Suite.SM4_GCM else Digest.HMAC_SHA256
        self._folder.mkdir(exist_ok=True, mode=0o700)
        tokens = self._document_token_keys()
        self.audit_public.mkdir(exist_ok=True, mode=0o700)
        for service in services:
            if not self.of(service).exists():
                write_atomically(self.of(service), make_key_file(tokens, digest))
            self._ensure_audit_key(service)
        self._ensure_audit_key(GATEWAY)
        for key in (self.access_key, self.inside_key):
            if not key.exists():
                write_atomically(key, make_signing_key())
        write_atomically(self.inside_jwks, json.dumps(SigningKeys.load(self.inside_key).jwks(), indent=2))

    def _ensure_audit_key(self, service: str) -> None:
        if not self.audit_key(service).exists():
            write_atomically(self.audit_key(service), make_audit_key())
        public = AuditKeys.load(service, self.audit_key(service)).public
        write_atomically(self.audit_public / f"{service}.jwks.json", public.jwks())

    def share(self, tokens: KeySet) -> None:
        """Let key files made from now on have these document token keys, where such files are made here."""
        if self._shared_tokens.exists():
            write_atomically(self._shared_tokens, tokens.model_dump_json(indent=2))

    @property
    def _shared_tokens(self) -> Path:
        return self._folder / "document-token.json"

    def _document_token_keys(self) -> KeySet:
        """The one key all services share, so that they derive the same token from the same document (architecture §1)."""
        if not self._shared_tokens.exists():
            write_atomically(self._shared_tokens, KeySet(current="d1", keys={"d1": make_key()}).model_dump_json(indent=2))
        return KeySet.model_validate_json(self._shared_tokens.read_text())
