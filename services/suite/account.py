"""As whom the embedded servers run. PostgreSQL refuses to run as root, and nothing here needs root.

Started by an ordinary user they run as that user. Started by root they run as the owner of the data folder, or as `nobody`.
When that account cannot reach the binaries or the folder (a checkout under a home folder of mode 0700), it is given the one
capability to pass through folders – never the rights of root – by util-linux `setpriv`.
"""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from services.suite.exits import ExitCode, SuiteError

# Tried in this order: none, read and search anywhere, and – where a container withholds that one – every folder check.
_CAPABILITIES = (None, "dac_read_search", "dac_override")
_TRIAL_TIMEOUT_S = 10


class Identity(TypedDict, total=False):
    """Keyword arguments of `subprocess` that change the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account, and the capability it needs to reach its files."""

    uid: int
    gid: int
    capability: str | None = None

    def identity(self) -> Identity:
        """Arguments for `subprocess`; with a capability `setpriv` changes the account instead."""
        return {} if self.capability else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def prefix(self, death_signal: signal.Signals) -> tuple[str, ...]:
        """Words before the command. The death signal is set again because changing the account clears it.

        `no_setuid_fixup` makes access(2) honour the capability; without it PostgreSQL finds its own binary "invalid".
        """
        if self.capability is None:
            return ()
        only = f"-all,+{self.capability}"
        return (
            shutil.which("setpriv") or "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--inh-caps={only}",
            f"--ambient-caps={only}",
            f"--bounding-set={only}",
            "--securebits=+no_setuid_fixup",
            f"--pdeathsig={death_signal.name.removeprefix('SIG')}",
            "--",
        )

    def own(self, path: Path, mode: int) -> None:
        """Make `path` belong to this account alone."""
        os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def reaches(self, programs: Sequence[Path], folder: Path) -> bool:
        """Whether this account can run every program and write in `folder`; tried, not computed from mode bits."""
        script = 'test -w "$1" && test -x "$1" || exit 1; shift; for p; do test -x "$p" && test -r "$p" || exit 1; done'
        command = [*self.prefix(signal.SIGTERM), "/bin/sh", "-c", script, "sh", str(folder), *map(str, programs)]
        try:
            trial = subprocess.run(  # noqa: S603 - a fixed command
                command, cwd="/", capture_output=True, timeout=_TRIAL_TIMEOUT_S, check=False, **self.identity()
            )
        except OSError:
            return False
        return trial.returncode == 0


def choose(folder: Path, programs: Sequence[Path]) -> Account | None:
    """The account for servers whose data lie in `folder`, which it is made to own; `None` means: run as we are.

    Raises `SuiteError` when no account can reach the programs and the folder.
    """
    if os.geteuid() != 0:
        return None
    owner = folder.stat()
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid != 0 else _nobody()
    Account(uid, gid).own(folder, 0o700)
    for capability in _CAPABILITIES:
        account = Account(uid, gid, capability)
        if (capability is None or shutil.which("setpriv")) and account.reaches(programs, folder):
            return account
    name = pwd.getpwuid(uid).pw_name
    raise SuiteError(
        ExitCode.NO_RIGHTS,
        f"As root the embedded servers run as the account {name}, which cannot use {programs[0]} on {folder}, even with a "
        "capability. Put the checkout or XINSHIMIN_DATA_DIR where others may pass (chmod o+x on its parents), or start it as "
        "an ordinary user.",
    )


def _nobody() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise SuiteError(
            ExitCode.NO_RIGHTS, "PostgreSQL refuses to run as root and there is no account `nobody`: start as an ordinary user."
        ) from None
    return entry.pw_uid, entry.pw_gid
