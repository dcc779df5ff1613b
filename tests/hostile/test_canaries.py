"""A thousand people go through everything, right and wrong; afterwards nothing of theirs lies anywhere in the clear.

Reliability.md 36 and 38: not in any log, not in what the broker keeps, not in any table of any database nor in the files behind
it, not in an error, not in a metric. The scanner itself is tested with planted leaks.
"""

import asyncio
import base64
import itertools
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from services.chassis.logs import JsonFormatter
from services.suite.catalogue import PROCESSES
from services.suite.postgres import SUPERUSER
from tests.hostile.canaries import MARKS, RARE, Canary, search, search_files, spellings
from tests.journeys.suite import Office
from tests.suite.launching import RunningUp, up


@dataclass(slots=True)
class Visit:
    """Canaries at the counter: what they were answered is kept, errors apart."""

    office: Office
    elsewhere: Office
    errors: list[bytes] = field(default_factory=list)
    refused: int = 0

    def ask(self, method: str, path: str, content: Any = None, office: Office | None = None, **headers: str) -> httpx.Response:
        """A call that may be refused; a refusal must not hold anything of the person."""
        return self._seen((office or self.office).call(method, path, content, **headers))

    def raw(self, method: str, path: str, content: bytes = b"", **headers: str) -> None:
        """A call whose body or target no client library would make."""
        sent = {
            "authorization": f"Bearer {self.office.token()}",
            "x-purpose": "residence_registration",
            "idempotency-key": f"canary-{len(self.errors)}",
            "content-type": "application/json",
            **headers,
        }
        self._seen(self.office.http.request(method, path, headers=sent, content=content))

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code < 500, answer.text
        if not answer.is_success:
            self.refused += 1
            self.errors.append(repr(answer.headers.multi_items()).encode() + b"\n" + answer.content)
        return answer

    def register(self, canary: Canary) -> str:
        """Registered, registered again by mistake and elsewhere, looked for, resolved, corrected, given a home."""
        person_id: str = self.ask("POST", "/v1/persons", canary.registration()).json()["person_id"]
        self.ask("POST", "/v1/persons", canary.registration())
        self.ask("POST", "/v1/persons", canary.registration(), self.elsewhere)
        document = {"type": "citizen_id", "number": canary.citizen_number}
        self.ask("POST", "/v1/persons/search", {"name": canary.name})
        self.ask("POST", "/v1/persons/search", {"identity_document": document})
        self.ask("POST", "/v1/persons/resolve", {"identity_document": document, "name": canary.name}, self.elsewhere)
        self.ask("POST", "/v1/persons/resolve", {"identity_document": document, "name": canary.text("别")}, self.elsewhere)
        self.ask("PATCH", f"/v1/persons/{person_id}", {"name": canary.name + "甲"}, if_match='"1"')
        self.ask("PATCH", f"/v1/persons/{person_id}", {"name": canary.name + "乙"}, if_match='"1"')
        self.ask("POST", "/v1/residence-registrations", canary.residence(person_id))
        self.ask("POST", "/v1/residence-registrations", canary.residence(person_id))
        self.ask("GET", f"/v1/persons/{person_id}/history")
        return person_id

    def get_a_permit(self, canary: Canary, person_id: str, relative_id: str) -> None:
        """Applied for, issued, suspended with a note, ended with another; and a relative."""
        application = {"person_id": person_id, "ground": "employment", "evidence": [canary.paper()]}
        permit = f"/v1/residence-permits/{self.ask('POST', '/v1/residence-permits', application).json()['permit_id']}"
        self.ask("POST", f"{permit}/issue", {})
        self.ask("POST", f"{permit}/suspend", {"reason": canary.text("查")})
        self.ask("POST", f"{permit}/suspend", {"reason": canary.text("再查")})
        kinship = {"person_id": person_id, "related_person_id": relative_id, "kind": "sibling", "valid_from": "2000-01-01"}
        self.ask("POST", "/v1/relationships", {**kinship, "evidence": [canary.paper()]})
        self.ask("POST", "/v1/relationships", {**kinship, "evidence": [canary.paper()]})
        self.ask("POST", f"{permit}/end", {"reason": "other", "note": canary.text("离")})
        self.ask("GET", f"{permit}/history")

    def err(self, canary: Canary, person_id: str) -> None:
        """Every way to be wrong with a person's data in hand."""
        name, number, phone = canary.name, canary.citizen_number, canary.phone
        wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
        body = canary.registration()
        bad_bodies: list[Any] = [
            {**body, "identity_documents": [{"type": "citizen_id", "number": wrong}]},
            {**body, "name": name * 30},
            {**body, "name": name + "\u202e"},
            {**body, "phone": phone + "12"},
            {**body, "sex_code": name, "birth_date": number, "ethnicity_code": phone},
            {**body, name: number, number: [name]},
            {**body, "identity_documents": [{"type": name, "number": number, phone: name}]},
            {"name": {"name": name}, "phone": [phone]},
            [name, number],
            name,
        ]
        for bad in bad_bodies:
            self.ask("POST", "/v1/persons", bad)
        whole = json.dumps(body, ensure_ascii=False).encode()
        twice, unquoted = whole[:-1] + b', "name": "x"}', whole.replace(b'"phone"', b"phone")
        for broken in (whole[:-1], twice, unquoted, whole.decode().encode("gb18030")):
            self.raw("POST", "/v1/persons", broken)
        self.raw("POST", "/v1/persons", whole, **{"content-type": "text/plain"})
        self.raw("POST", "/v1/persons", whole, authorization="Bearer nobody")
        self.raw("POST", "/v1/persons", whole, **{"x-purpose": "Not A Purpose"})
        self.ask("PATCH", f"/v1/persons/{person_id}", {"name": name, "phone": phone}, if_match='"99"')
        self.ask("POST", "/v1/residence-registrations", canary.residence(name))
        self.ask("POST", "/v1/persons/search", {"name": name, "cursor": name})
        for target in (number, phone, name, f"{number}/history", f"../{name}"):
            self.raw("GET", f"/v1/persons/{target}")
        for query in (f"cursor={name}", f"limit={number}", f"{name}={number}", f"division_code={phone}", f"status={name}"):
            self.raw("GET", f"/v1/residence-registrations?{query}")
        self.raw("GET", f"/v1/{name}/{number}")
        self.raw("GET", f"/{phone}?{name}")


def offices(running: RunningUp) -> tuple[httpx.Client, Office, Office]:
    """The demo office of the whole city, and one of another town."""
    http = httpx.Client(base_url=running.screen["base_url"], timeout=60)
    demo = json.loads((running.data_dir / "demo-client.json").read_text())
    made = running.command("clients", "create", "横河镇", "--division", "330282114", "--organisation", "横河镇")
    return http, Office(http, demo["client_id"], demo["client_secret"]), Office(http, made["client_id"], made["client_secret"])


def live_through(data_dir: Path, count: int) -> tuple[Visit, list[bytes]]:
    """Two lives of one suite: registered in the first, everything else in the second. The visit, and what was exported."""
    canaries = [Canary(number) for number in range(count)]
    exported: list[bytes] = []
    with up(data_dir) as running:
        http, office, elsewhere = offices(running)
        office.set_clock("2023-03-15T09:00:00+08:00")
        visit = Visit(office, elsewhere)
        ids = [visit.register(canary) for canary in canaries]
        http.close()
    with up(data_dir) as running:
        http, visit.office, visit.elsewhere = offices(running)
        visit.office.set_clock("2023-09-15T09:00:00+08:00")
        for canary, person_id, relative_id in zip(canaries, ids, ids[1:] + ids[:1], strict=True):
            visit.get_a_permit(canary, person_id, relative_id)
            visit.err(canary, person_id)
        visit.office.set_clock(None)
        exported += [
            http.get(f"{url}/metrics").content for url in json.loads((data_dir / "suite.json").read_text())["urls"].values()
        ]
        exported += changes(visit)
        exported += asyncio.run(tables(data_dir))
        http.close()
    return visit, exported


def changes(visit: Visit) -> Iterator[bytes]:
    """What followers are told."""
    after = ""
    while True:
        page = visit.office.get(f"/v1/registry/changes?limit=200{after}")
        yield json.dumps(page, ensure_ascii=False).encode()
        if not page["items"]:
            return
        after = f"&after={page['next']}"


async def tables(data_dir: Path) -> list[bytes]:
    """Every row of every table of every database as text, as the superuser sees it."""
    password = json.loads((data_dir / "secrets.json").read_text())[SUPERUSER]
    variables = json.loads((data_dir / "suite.json").read_text())["variables"]
    found: list[bytes] = []
    for process in PROCESSES:
        url = variables[f"XINSHIMIN_{process.name.upper()}__DATABASE_URL"]
        connection = await asyncpg.connect(url, user=SUPERUSER, password=password)
        names = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
        )
        for (name,) in names:
            rows = await connection.fetch(f"SELECT '{name} ' || t::text FROM {name} t")
            found.append("\n".join(row[0] for row in rows).encode())
        await connection.close()
    return found


def leaks(visit: Visit, exported: list[bytes], folders: list[Path]) -> list[str]:
    """Every trace of a canary in what the suite left behind."""
    answers = itertools.chain.from_iterable(search(error, "an error") for error in visit.errors)
    tables_and_metrics = itertools.chain.from_iterable(search(content, "a table or metric") for content in exported)
    return [*answers, *tables_and_metrics, *search_files(folders)]


def _expect_silence(data_dir: Path, count: int, *, folders: list[Path]) -> None:
    visit, exported = live_through(data_dir, count)
    found = leaks(visit, exported, folders)
    assert not found, "\n".join(found[:40])
    assert visit.refused > 25 * count, "the wrong calls were not refused"
    assert sum(len(content) for content in exported) > 2_000 * count, "there was nothing to look through"


@pytest.mark.timeout(240)
def test_nothing_of_a_few_people_is_left_in_the_clear(tmp_path: Path) -> None:
    """Every row, log, error, metric and the broker's files; the long run looks into the files of the database as well."""
    data = tmp_path / "data"
    _expect_silence(data, 8, folders=[data / "log", data / "nats"])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_of_a_thousand_people_is_left_in_the_clear(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _expect_silence(data, 1000, folders=[data])


def test_canaries_are_all_different_and_all_marked() -> None:
    everybody = [Canary(number) for number in range(1000)]
    names, numbers = [each.name for each in everybody], [each.citizen_number for each in everybody]
    for values in (names, numbers, [each.phone for each in everybody]):
        assert len(set(values)) == 1000
        assert all(any(mark in value for mark in MARKS) for value in values)


@pytest.mark.parametrize("spelling", spellings(RARE))
@pytest.mark.parametrize("before", ["", "a", "ab", "{'name': '"])
def test_a_planted_leak_is_found_in_every_spelling(tmp_path: Path, spelling: str, before: str) -> None:
    """The scanner's own test: a file with a name in it, however it is written."""
    name = Canary(7).name
    coded = {
        "json": json.dumps(before + name),
        "json, upper": json.dumps(before + name).replace("4dae", "4DAE").replace("9f98", "9F98"),
        "python": str((before + name).encode()),
        "hex": (before + name).encode().hex(),
        "hex, upper": (before + name).encode().hex().upper(),
        "backwards": (before + name)[::-1],
    }.get(spelling)
    content = coded.encode() if coded else _coded(before, name, spelling)
    (tmp_path / "leak.blk").write_bytes(b"\x00\x01" * 500 + content + b"\xff\x00rest")
    assert list(search_files([tmp_path]))


def _coded(before: str, name: str, spelling: str) -> bytes:
    if spelling.startswith("base64"):
        shifted = bytes(int(spelling[-1])) + name.encode()
        return (base64.urlsafe_b64encode if "url" in spelling else base64.b64encode)(shifted)
    if spelling.startswith("percent"):
        coded = quote(before + name)
        return (coded.lower() if "lower" in spelling else coded).encode()
    if spelling == "html":
        return (before + name).encode("ascii", "xmlcharrefreplace")
    return (before + name).encode(spelling)


@pytest.mark.parametrize("value", [Canary(3).name, Canary(3).citizen_number, Canary(3).phone, Canary(3).text("弄")])
def test_a_planted_log_line_is_found(tmp_path: Path, value: str) -> None:
    """The leak that happens: somebody logs a value, in the very format of our logs."""
    record = logging.LogRecord("services.registry", logging.INFO, __file__, 1, "registered", None, None)
    record.fields = {"name": value}
    (tmp_path / "registry.log").write_text(JsonFormatter("registry").format(record) + "\n", "utf-8")
    assert list(search_files([tmp_path]))
    record.fields = {"name": value[:1] + "**"}
    (tmp_path / "registry.log").write_text(JsonFormatter("registry").format(record) + "\n", "utf-8")
    assert not list(search_files([tmp_path]))
