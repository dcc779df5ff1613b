"""The counter of the real registry for one resident: every act over HTTP, every answer in the words of the naive model."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, TypeVar

import httpx

from tests.journeys.suite import citizen_number
from tests.registry.permit_model import Outcome, Status, Why
from tests.running import Caller, RunningService

SCOPES = (
    "registry.person.write",
    "registry.registration.write",
    "registry.registration.read",
    "registry.permit.apply",
    "registry.permit.read",
    "registry.permit.decide",
    "sandbox.clock",
)
NOBODYS_PERMIT = "019ab0c2-1111-7000-8000-000000000001"

OUTCOMES = {
    "registration-exists": Outcome.ALREADY_REGISTERED,
    "registration-ended": Outcome.NOT_REGISTERED,
    "permit-exists": Outcome.ALREADY_APPLIED,
    "permit-not-found": Outcome.NO_SUCH_PERMIT,
    "permit-act-not-allowed": Outcome.WRONG_STATE,
    "permit-not-issuable": Outcome.CONDITIONS_GONE,
    "endorsement-window": Outcome.WINDOW_NOT_OPEN,
    "card-not-in-use": Outcome.LOSS_ALREADY_REPORTED,
    "old_card_not_returned": Outcome.OLD_CARD_NOT_RETURNED,
}
"""The registry's problems in the model's words; an unknown one fails the test."""

REASONS = {
    "registration_missing": Why.NOT_REGISTERED,
    "half_year_not_complete": Why.HALF_YEAR,
    "ground_evidence_missing": Why.NO_PROOF,
}

T = TypeVar("T")
_BORN = date(1950, 1, 1)
_RESIDENTS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Sight:
    """What an onlooker sees of a person's registration and latest permit on a day."""

    residence_since: date | None = None
    status: Status | None = None
    due_on: date | None = None
    window: tuple[date, date] | None = None
    years_from: date | None = None
    suspended_on: date | None = None
    is_card_lost: bool = False
    reasons: frozenset[Why] = frozenset()


@dataclass(slots=True)
class RegistryThread:
    """A registry whose event loop runs in a thread of its own, so that Hypothesis' synchronous rules can call it."""

    service: RunningService
    loop: asyncio.AbstractEventLoop

    def wait(self, act: Coroutine[Any, Any, T]) -> T:
        """Run `act` in the registry's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(timeout=30)


@contextmanager
def registry_thread(start: Callable[[], AbstractAsyncContextManager[RunningService]]) -> Iterator[RegistryThread]:
    """Enter `start` in a thread with a loop, and leave it in the same task."""
    loop = asyncio.new_event_loop()
    ready: asyncio.Future[RunningService] = loop.create_future()
    enough = asyncio.Event()

    async def hold() -> None:
        try:
            async with start() as service:
                ready.set_result(service)
                await enough.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=loop.run_until_complete, args=(hold(),), name="registry", daemon=True)
    thread.start()

    async def service_when_ready() -> RunningService:
        return await asyncio.shield(ready)

    try:
        yield RegistryThread(asyncio.run_coroutine_threadsafe(service_when_ready(), loop).result(timeout=60), loop)
    finally:
        loop.call_soon_threadsafe(enough.set)
        thread.join(timeout=30)
        loop.close()


@dataclass(slots=True)
class PermitDesk:
    """One new resident, their registration and their permits, as the registry keeps them."""

    registry: RegistryThread
    caller: Caller = field(init=False)
    person_id: str = field(init=False)
    registration: dict[str, Any] | None = None
    """The latest registration as the last act on it was answered."""
    permit_ids: list[str] = field(default_factory=list)
    answered: dict[str, Any] | None = None
    """The permit as the last call answered it, when that was an act on it."""

    def open(self, today: date) -> None:
        """Set the law clock and enter the resident."""
        self.caller = self.registry.service.caller(SCOPES)
        self.set_clock(today)
        number = next(_RESIDENTS)
        document = citizen_number("341204", f"{_BORN + timedelta(days=number % 14_000):%Y%m%d}", number // 14_000)
        answer = self._post(
            "/v1/persons",
            {
                "name": "王小明",
                "hukou_division_code": "341204",
                "identity_documents": [{"type": "citizen_id", "number": document}],
            },
        )
        assert answer.status_code == 201, answer.text
        self.person_id = answer.json()["person_id"]

    # --- time ---

    def set_clock(self, today: date) -> None:
        """Move the law clock to noon of that day; no job runs by this."""
        answer = self._call("PUT", "/internal/sandbox/clock", json={"now": f"{today}T12:00:00+08:00"})
        assert answer.status_code == 200, answer.text

    def run_jobs(self) -> None:
        """Run the jobs of the law's today."""
        answer = self._call("POST", "/internal/sandbox/jobs")
        assert answer.status_code == 200, answer.text

    # --- acts ---

    def register(self, town: str, started_on: date) -> Outcome:
        """Register the resident in a town of this city."""
        content = {
            "person_id": self.person_id,
            "division_code": town,
            "address": "陈家村东路12号201室",
            "residence_kind": "rented",
            "started_on": started_on.isoformat(),
            "reported_by": "self",
        }
        return self._on_registration(self._post("/v1/residence-registrations", content))

    def change_address(self, changed_on: date, town: str) -> Outcome:
        """Report a move within the town."""
        content = {"changed_on": changed_on.isoformat(), "division_code": town, "address": "陈家村东路18号"}
        return self._on_registration(self._post(self._registration("/address-change"), content))

    def leave(self, ended_on: date) -> Outcome:
        """End the registration as of a day."""
        content = {"reason": "left", "ended_on": ended_on.isoformat()}
        return self._on_registration(self._post(self._registration("/end"), content))

    def apply(self, ground: str, evidence: list[str], *, is_remote: bool) -> Outcome:
        """Apply for a permit."""
        content = {
            "person_id": self.person_id,
            "ground": ground,
            "evidence": [{"type": kind} for kind in evidence],
            "is_remote": is_remote,
        }
        answer = self._post("/v1/residence-permits", content)
        if not answer.is_success:
            return self._outcome(answer)
        permit = answer.json()
        assert permit["permit_id"] not in self.permit_ids
        self.permit_ids.append(permit["permit_id"])
        return Outcome.REFUSED if permit["status"] == "refused" else Outcome.OK

    def issue(self) -> Outcome:
        """Issue the accepted permit."""
        return self._act("issue")

    def endorse(self, *, conditions_hold: bool) -> Outcome:
        """Ask for the yearly endorsement."""
        answer = self._post(self._permit("/endorse"), {} if conditions_hold else {"conditions_hold": False})
        if answer.is_success and not answer.json()["endorsement"]["accepted"]:
            assert answer.json()["endorsement"]["reasons"], "a refusal names its reasons"
            return Outcome.CONDITIONS_GONE
        return self._outcome(answer)

    def suspend_by_officer(self) -> Outcome:
        """An officer's suspension."""
        return self._act("suspend", reason="核查")

    def report_loss(self) -> Outcome:
        """Report the card lost today."""
        return self._act("report-loss")

    def replace(self, cause: Literal["lost", "damaged"], *, is_old_card_returned: bool) -> Outcome:
        """Ask for a new card."""
        return self._act("replace", cause=cause, is_old_card_returned=is_old_card_returned)

    def end(self, reason: str) -> Outcome:
        """End the permit today."""
        return self._act("end", reason=reason)

    # --- sight ---

    def sight(self) -> Sight:
        """Registration and latest permit as the registry shows them: in its answer to the last act, or asked for."""
        stay = self.registration
        since = _day(stay["residence_since"]) if stay and stay["status"] == "current" else None
        if not self.permit_ids:
            return Sight(since)
        permit = self.answered
        if permit is None:
            answer = self._call("GET", self._permit())
            assert answer.status_code == 200, answer.text
            permit = answer.json()
        first, last = _day(permit["endorsement_from"]), _day(permit["endorsement_until"])
        years = permit["residence_years"]
        return Sight(
            residence_since=since,
            status=Status(permit["status"]),
            due_on=_day(permit["due_on"]),
            window=(first, last) if first and last else None,
            years_from=_day(years["counted_from"]) if years else None,
            suspended_on=_day(permit["suspended_on"]) if permit["status"] == "suspended" else None,
            is_card_lost=permit["card_status"] == "reported_lost",
            reasons=frozenset(map(_why, permit["reasons"])),
        )

    def gives_entitlements(self) -> bool:
        """Whether a permit gives the person anything today (RR-40 to RR-43)."""
        answer = self._call("GET", f"/v1/persons/{self.person_id}/entitlements")
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["items"])

    def kept_permit_ids(self) -> list[str]:
        """Every application and permit on file, oldest first."""
        answer = self._call("GET", f"/v1/persons/{self.person_id}/residence-permits?limit=100")
        assert answer.status_code == 200, answer.text
        return [item["permit_id"] for item in reversed(answer.json()["items"])]

    def _registration(self, act: str) -> str:
        assert self.registration is not None
        return f"/v1/residence-registrations/{self.registration['registration_id']}{act}"

    def _on_registration(self, answer: httpx.Response) -> Outcome:
        if answer.is_success:
            self.registration = answer.json()
        return self._outcome(answer)

    def _permit(self, act: str = "") -> str:
        return f"/v1/residence-permits/{self.permit_ids[-1] if self.permit_ids else NOBODYS_PERMIT}{act}"

    def _act(self, verb: str, **content: Any) -> Outcome:
        return self._outcome(self._post(self._permit(f"/{verb}"), content))

    def _post(self, path: str, content: dict[str, Any]) -> httpx.Response:
        return self._call("POST", path, json=content)

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self.registry.wait(self.caller.call(method, path, **options))
        is_permit = answer.is_success and path.startswith("/v1/residence-permits")
        self.answered = answer.json() if is_permit else None
        return answer

    @staticmethod
    def _outcome(answer: httpx.Response) -> Outcome:
        if answer.is_success:
            return Outcome.OK
        problem = answer.json()
        code = problem["type"].rpartition(":")[2]
        if code == "invalid-request":
            code = problem["errors"][0]["code"]
        assert code in OUTCOMES, answer.text
        return OUTCOMES[code]


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _why(reason: dict[str, Any]) -> Why:
    assert reason["code"] in REASONS, reason
    assert reason["article"], "a refusal names its article"
    return REASONS[reason["code"]]
