"""Passwords of the embedded servers, made once and kept in the data folder, readable by its owner only."""

import json
import secrets
from pathlib import Path

from services.suite.data_folder import write_atomically
from services.suite.exits import ExitCode, SuiteError


class Passwords:
    """Passwords by name; a name asked for the first time gets a fresh one, which is written down before it is used."""

    def __init__(self, path: Path, *, server_exists: bool) -> None:
        """`server_exists`: there is a PostgreSQL folder already, which only the old passwords open."""
        self._path = path
        if path.exists():
            self._known = self._read()
        elif server_exists:
            raise SuiteError(
                ExitCode.HALF_INITIALISED,
                f"{path} is missing; without it nobody can open the PostgreSQL data beside it. Restore it from a backup, "
                f"or remove {path.parent} to begin with empty data.",
            )
        else:
            self._known = {}

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(self._path.read_text())
            return {str(name): str(value) for name, value in content.items()}
        except (ValueError, AttributeError):
            raise SuiteError(ExitCode.HALF_INITIALISED, f"{self._path} is damaged; restore it from a backup.") from None

    def of(self, name: str) -> str:
        """The password of `name`."""
        if name not in self._known:
            self._known[name] = secrets.token_urlsafe(24)
            write_atomically(self._path, json.dumps(self._known, indent=2) + "\n")
        return self._known[name]
