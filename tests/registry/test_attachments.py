"""Files at the registry: what comes in comes out, to those who may see it, as long as something needs it."""

import base64
import hashlib
import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.attachments import housekeeping
from services.chassis.attachments.folder import FolderStore
from tests.chassis.attachments import files
from tests.chassis.test_routing import problem
from tests.looking import Looking
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import EVERY_SCOPE, a_person, a_residence, an_application, citizen_number
from tests.registry.test_person_deletion import deleted
from tests.registry.uploads import PATH, download, upload, uploaded
from tests.running import Caller


def stored_files(office: Office) -> Iterator[Path]:
    """Everything in the store and in the spool."""
    keeper = office.service.runtime.attachments
    assert keeper is not None
    folder = office.service.runtime.settings.attachments_folder
    assert folder is not None
    return (path for path in folder.rglob("*") if path.is_file())


async def name_in_store(office: Office, made: dict[str, Any]) -> str:
    """What a file is called in the store."""
    sql = "SELECT encode(address, 'hex') AS name FROM attachment WHERE attachment_id = $1"
    (row,) = await office.rows(sql, made["attachment_id"])
    return str(row["name"])


async def age(office: Office, days: int = 2) -> None:
    """Let what nobody owns be `days` older."""
    sql = "UPDATE attachment_unowned SET since = since - make_interval(days => $1)"
    await Looking(office.service.runtime.pool).fetch(sql, days)


async def clean_up(office: Office) -> None:
    """Both jobs."""
    for job in housekeeping.JOBS:
        await office.run_job(job.run)


KINDS = {
    "application/pdf": (files.pdf(b"x" * 300_000), "pdf"),
    "image/jpeg": (files.jpeg(), "jpg"),
    "image/png": (files.png(), "png"),
    "text/csv": (files.csv(5000, "gb18030"), "csv"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (files.xlsx(), "xlsx"),
}


@pytest.mark.parametrize("media_type", KINDS)
async def test_what_comes_in_comes_out(cixi: Caller, media_type: str) -> None:
    content, suffix = KINDS[media_type]
    answer = await upload(cixi, content, media_type)
    made = expect(answer, 201)
    assert answer.headers["location"] == f"{PATH}/{made['attachment_id']}"
    assert (made["media_type"], made["size_bytes"]) == (media_type, len(content))
    assert made["sha256"] == hashlib.sha256(content).hexdigest()
    assert expect(await cixi.get(f"{PATH}/{made['attachment_id']}"), 200) == made
    got = await download(cixi, made["attachment_id"])
    assert (got.status_code, got.content) == (200, content)
    assert got.headers["content-type"].partition(";")[0] == media_type
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["content-disposition"] == f'attachment; filename="{made["attachment_id"]}.{suffix}"'
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert got.headers["cache-control"] == "no-store"
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert got.headers["content-digest"] == f"sha-256=:{digest}:"


async def test_a_file_is_taken_without_saying_what_it_is_but_not_under_another_name(cixi: Caller) -> None:
    assert (await uploaded(cixi, files.png(), "application/octet-stream"))["media_type"] == "image/png"
    problem(await upload(cixi, files.png(), "application/pdf"), 415, "attachment-type")
    problem(await upload(cixi, b"<html><script>", "text/html"), 415, "attachment-type")
    refused = await upload(cixi, files.png() + b"<script>", "image/png")
    problem(refused, 422, "attachment-refused")
    assert [error["code"] for error in refused.json()["errors"]] == ["trailing_bytes"]
    problem(await upload(cixi, b"", "image/png"), 422, "attachment-refused")


async def test_nothing_of_a_refused_file_stays(office: Office, cixi: Caller) -> None:
    before = set(stored_files(office))
    for content in (files.png() + b"x", b"nothing", files.pdf(b"/S /JavaScript"), b""):
        assert (await upload(cixi, content, "application/octet-stream")).status_code in {415, 422}
    problem(await upload(cixi, files.png(), "image/png", person_id=str(uuid4())), 404, "person-not-found")
    assert set(stored_files(office)) == before
    assert await office.rows("SELECT FROM attachment_unowned") == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"purpose": "leisure"}, "?purpose"),
        ({"retention_class": "for_ever"}, "?retention_class"),
        ({"person_id": "nobody"}, "?person_id"),
        ({"name": "张三.pdf"}, "?name"),
    ],
)
async def test_what_a_file_is_for_is_a_closed_list(cixi: Caller, query: dict[str, str], pointer: str) -> None:
    answer = await upload(cixi, files.pdf(), headers=None, **query)
    problem(answer, 422, "invalid-request")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_call_needs_scope_purpose_and_key(office: Office) -> None:
    reader = office.caller(scopes=EVERY_SCOPE - {"registry.attachment.write"})
    problem(await upload(reader, files.pdf()), 403, "scope-missing")
    problem(await upload(office.caller(purpose=None), files.pdf()), 400, "purpose-required")
    problem(await upload(office.caller(), files.pdf(), headers={"idempotency-key": ""}), 400, "idempotency-key-required")
    made = await uploaded(office.caller(), files.pdf())
    writer = office.caller(scopes=EVERY_SCOPE - {"registry.attachment.read"})
    problem(await download(writer, made["attachment_id"]), 403, "scope-missing")
    problem(await download(office.caller(purpose=None), made["attachment_id"]), 400, "purpose-required")


async def test_a_retry_gets_the_same_answer_and_stores_nothing(office: Office, cixi: Caller) -> None:
    given = {"idempotency-key": f"upload-{uuid4()}"}
    content = files.pdf(b"once")
    first = await upload(cixi, content, headers=given)
    stored = set(stored_files(office))
    again = await upload(cixi, content, headers=given)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert set(stored_files(office)) == stored
    problem(await upload(cixi, files.pdf(b"twice"), headers=given), 422, "idempotency-key-reused")
    problem(await upload(cixi, content, headers=given, retention_class="working_file"), 422, "idempotency-key-reused")
    assert set(stored_files(office)) == stored


async def test_equal_files_are_not_to_be_recognised_in_store_or_database(office: Office, cixi: Caller) -> None:
    content = files.pdf(b"the same paper")
    one, other = await uploaded(cixi, content), await uploaded(cixi, content)
    assert one["sha256"] == other["sha256"]
    ids = [one["attachment_id"], other["attachment_id"]]
    rows = await office.rows("SELECT * FROM attachment WHERE attachment_id = ANY($1)", ids)
    assert rows[0]["address"] != rows[1]["address"]
    for row in rows:
        assert hashlib.sha256(content).digest() not in row["sealed_sha256"]
    names = {path.name for path in stored_files(office)}
    assert {row["address"].hex() for row in rows} <= names
    assert hashlib.sha256(content).hexdigest() not in names


async def test_no_plain_text_is_anywhere_on_disk(office: Office, cixi: Caller) -> None:
    canary = f"canary-{uuid4()}".encode()
    made = await uploaded(cixi, files.pdf(canary * 20_000))
    assert canary in (await download(cixi, made["attachment_id"])).content
    for path in stored_files(office):
        assert canary not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (table_names,) = await office.rows(
        "SELECT array_agg(c.relname) AS names FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    )
    for name in table_names["names"]:
        found = await office.rows(f'SELECT count(*) AS found FROM "{name}" t WHERE t::text LIKE $1', f"%{canary.hex()}%")
        assert found[0]["found"] == 0
        found = await office.rows(f'SELECT count(*) AS found FROM "{name}" t WHERE t::text LIKE $1', f"%{canary.decode()}%")
        assert found[0]["found"] == 0


async def test_every_upload_and_download_is_evidence(office: Office, cixi: Caller, resident: Resident) -> None:
    await resident.register_person()
    made = await uploaded(cixi, files.pdf(), person_id=resident.person_id)
    await download(cixi, made["attachment_id"])
    await cixi.get(f"{PATH}/{made['attachment_id']}")
    lines = await office.rows(
        "SELECT line::jsonb->>'operation' AS operation FROM audit_line WHERE person_id = $1 AND line LIKE '%\"attachment\"%'"
        " ORDER BY recorded_at, audit_id",
        resident.person_id,
    )
    assert [line["operation"] for line in lines] == ["upload", "download", "read"]
    stranger = office.caller("330203", client="stranger")
    problem(await download(stranger, made["attachment_id"]), 404, "attachment-not-found")
    (line,) = await office.rows("SELECT line FROM audit_line WHERE line LIKE '%\"stranger\"%' AND line LIKE '%\"attachment\"%'")
    assert made["attachment_id"] in line["line"]


async def test_a_download_without_evidence_does_not_begin(
    office: Office, cixi: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await uploaded(cixi, files.pdf())
    asked: list[bytes] = []
    monkeypatch.setattr(FolderStore, "get", lambda _, address: asked.append(address))
    monkeypatch.setattr(office.service.runtime.read_auditor, "_stopping", True)
    problem(await download(cixi, made["attachment_id"]), 503, "audit-unavailable")
    assert asked == []


class TestVisibility:
    """The uploading division and those above it; and whoever may see a person whose file it is."""

    async def test_a_file_without_a_person_is_seen_by_the_uploading_division_and_above(self, office: Office) -> None:
        town = office.caller("330282107", client="town")
        made = await uploaded(town, files.pdf())
        for division, status in {"330282107": 200, "330282": 200, "3302": 200, "330282108": 404, "330203": 404}.items():
            assert (await download(office.caller(division), made["attachment_id"])).status_code == status, division
            assert (await office.caller(division).get(f"{PATH}/{made['attachment_id']}")).status_code == status, division

    async def test_a_file_of_a_person_is_seen_by_whoever_sees_the_person(self, office: Office, resident: Resident) -> None:
        await resident.register_person()
        city = office.caller("330282")
        made = await uploaded(city, files.pdf(), person_id=resident.person_id)
        town, other = office.caller("330282107"), office.caller("330282108")
        assert (await download(town, made["attachment_id"])).status_code == 404
        await resident.register_residence(office.today)
        assert (await download(town, made["attachment_id"])).status_code == 200
        assert (await download(other, made["attachment_id"])).status_code == 404

    async def test_evidence_is_seen_by_whoever_sees_the_case(self, office: Office, resident: Resident) -> None:
        await resident.register_person()
        await resident.register_residence(office.today)
        city, town = office.caller("330282"), office.caller("330282107")
        made = await uploaded(city, files.pdf())
        assert (await download(town, made["attachment_id"])).status_code == 404
        evidence = [{"type": "labour_contract", "attachment_id": made["attachment_id"]}]
        expect(await city.post("/v1/residence-permits", an_application(resident.person_id, evidence=evidence)), 201)
        assert (await download(town, made["attachment_id"])).status_code == 200
        assert (await download(office.caller("330282108"), made["attachment_id"])).status_code == 404

    async def test_nobody_uploads_for_a_person_it_does_not_see(self, office: Office, resident: Resident) -> None:
        await resident.register_person()
        answer = await upload(office.caller("330203"), files.pdf(), person_id=resident.person_id)
        problem(answer, 404, "person-not-found")
        assert answer.json()["errors"][0]["pointer"] == "?person_id"


async def _two_persons(caller: Caller) -> tuple[str, str]:
    child = a_person(number=citizen_number(birth_date=date(2018, 3, 1)))
    mother = a_person(number=citizen_number(birth_date=date(1990, 3, 1)))
    return (
        expect(await caller.post("/v1/persons", child), 201)["person_id"],
        expect(await caller.post("/v1/persons", mother), 201)["person_id"],
    )


def _relationship(child: str, mother: str, evidence: list[dict[str, Any]]) -> dict[str, Any]:
    return {"person_id": child, "related_person_id": mother, "kind": "parent", "valid_from": "2018-03-01", "evidence": evidence}


async def test_relationships_take_files_as_evidence(cixi: Caller) -> None:
    child, mother = await _two_persons(cixi)
    paper = await uploaded(cixi, files.jpeg(), "image/jpeg", person_id=mother)
    evidence = [{"type": "birth_certificate", "attachment_id": paper["attachment_id"], "document_number": "P330001"}]
    made = expect(await cixi.post("/v1/relationships", _relationship(child, mother, evidence)), 201)
    assert made["attachment_ids"] == [paper["attachment_id"]]
    assert (
        expect(await cixi.get(f"/v1/relationships/{made['relationship_id']}"), 200)["attachment_ids"] == made["attachment_ids"]
    )
    assert expect(await cixi.get(f"{PATH}/{paper['attachment_id']}"), 200)["is_referenced"] is True


async def test_evidence_without_a_file_stays_as_it_was(cixi: Caller) -> None:
    child, mother = await _two_persons(cixi)
    made = expect(await cixi.post("/v1/relationships", _relationship(child, mother, [{"type": "birth_certificate"}])), 201)
    assert (made["evidence_types"], made["attachment_ids"]) == (["birth_certificate"], [])


async def test_a_file_that_is_not_there_or_not_ones_own_is_named(office: Office, cixi: Caller, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    strange = await uploaded(office.caller("330203"), files.pdf())
    _, other = await _two_persons(cixi)
    of_another = await uploaded(cixi, files.pdf(), person_id=other)
    table = await uploaded(cixi, files.csv(), "text/csv", purpose="import")
    good = await uploaded(cixi, files.pdf(), person_id=resident.person_id)
    evidence = [
        {"type": "labour_contract", "attachment_id": good["attachment_id"]},
        {"type": "labour_contract", "attachment_id": str(uuid4())},
        {"type": "labour_contract", "attachment_id": strange["attachment_id"]},
        {"type": "labour_contract"},
        {"type": "labour_contract", "attachment_id": of_another["attachment_id"]},
        {"type": "labour_contract", "attachment_id": table["attachment_id"]},
    ]
    answer = await cixi.post("/v1/residence-permits", an_application(resident.person_id, evidence=evidence))
    problem(answer, 422, "invalid-request")
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/evidence/1/attachment_id", "attachment_not_found"),
        ("/evidence/2/attachment_id", "attachment_not_found"),
        ("/evidence/4/attachment_id", "attachment_of_another_person"),
        ("/evidence/5/attachment_id", "attachment_not_evidence"),
    ]
    assert expect(await cixi.get(f"{PATH}/{good['attachment_id']}"), 200)["is_referenced"] is False


async def test_what_is_referred_to_stays_and_what_is_not_goes(office: Office, cixi: Caller, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(office.today)
    kept, loose = await uploaded(cixi, files.pdf(b"kept")), await uploaded(cixi, files.pdf(b"loose"))
    short = await uploaded(cixi, files.csv(), "text/csv", purpose="import", retention_class="working_file")
    long = await uploaded(cixi, files.pdf(b"long"), retention_class="sharing_record")
    evidence = [{"type": "labour_contract", "attachment_id": kept["attachment_id"]}]
    expect(await cixi.post("/v1/residence-permits", an_application(resident.person_id, evidence=evidence)), 201)
    named = {"kept": kept, "loose": loose, "short": short, "long": long}

    async def there() -> set[str]:
        return {name for name, made in named.items() if (await download(cixi, made["attachment_id"])).status_code == 200}

    today = office.today
    for days, expected in {
        7: {"kept", "loose", "short", "long"},
        8: {"kept", "loose", "long"},
        30: {"kept", "loose", "long"},
        31: {"kept", "long"},
        365 * 3: {"kept", "long"},
        366 * 3 + 1: {"kept"},
    }.items():
        with office.on(today + timedelta(days=days)):
            await clean_up(office)
        assert await there() == expected, days
    name = await name_in_store(office, kept)
    await age(office)
    await clean_up(office)
    assert name in {path.name for path in stored_files(office)}
    assert await office.rows("SELECT FROM attachment_unowned") == []
    deleted = await office.rows(
        "SELECT line FROM audit_line WHERE line LIKE '%\"delete\"%' AND line LIKE $1", f"%{loose['attachment_id']}%"
    )
    assert len(deleted) == 1
    answer = await cixi.post(
        "/v1/residence-permits",
        an_application(resident.person_id, evidence=[{"type": "labour_contract", "attachment_id": loose["attachment_id"]}]),
    )
    assert answer.status_code in {409, 422}


async def test_a_deleted_file_is_no_evidence(office: Office, cixi: Caller) -> None:
    child, mother = await _two_persons(cixi)
    made = await uploaded(cixi, files.pdf(b"gone"))
    with office.on(office.today + timedelta(days=31)):
        await clean_up(office)
    answer = await cixi.post(
        "/v1/relationships", _relationship(child, mother, [{"type": "x", "attachment_id": made["attachment_id"]}])
    )
    problem(answer, 422, "invalid-request")
    assert answer.json()["errors"][0]["pointer"] == "/evidence/0/attachment_id"


async def test_the_database_itself_keeps_a_file_that_is_referred_to(office: Office, cixi: Caller) -> None:
    child, mother = await _two_persons(cixi)
    made = await uploaded(cixi, files.pdf())
    evidence = [{"type": "birth_certificate", "attachment_id": made["attachment_id"]}]
    expect(await cixi.post("/v1/relationships", _relationship(child, mother, evidence)), 201)
    with pytest.raises(Exception, match="attachment_reference"):
        await office.rows("DELETE FROM attachment WHERE attachment_id = $1", made["attachment_id"])


async def test_orphans_go_after_the_grace_and_not_before(office: Office, cixi: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies between storing and committing leaves a file and its announcement."""
    await age(office)
    await clean_up(office)
    before = set(stored_files(office))

    async def dies(*_: Any, **__: Any) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patched:
        patched.setattr("services.chassis.attachments.rows.insert", dies)
        patched.setattr("services.chassis.attachments.receiving.ReceivedFile.discard", lambda _: _nothing())
        problem(await upload(cixi, files.pdf(b"orphan")), 500, "internal-error")
    (orphan,) = set(stored_files(office)) - before
    assert len(await office.rows("SELECT FROM attachment_unowned WHERE address = $1", bytes.fromhex(orphan.name))) == 1
    await clean_up(office)
    assert orphan.exists()
    await age(office)
    await clean_up(office)
    assert not orphan.exists()
    assert await office.rows("SELECT FROM attachment_unowned") == []


async def _nothing() -> None:
    """Does nothing."""


async def test_an_upload_slower_than_the_grace_fails_instead_of_telling_of_a_file_that_was_removed(
    office: Office, cixi: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = FolderStore.put

    async def slow(store: FolderStore, file: Any) -> None:
        await put(store, file)
        await age(office)
        await clean_up(office)

    monkeypatch.setattr(FolderStore, "put", slow)
    before = await office.rows("SELECT count(*) FROM attachment")
    problem(await upload(cixi, files.pdf(b"late")), 503, "attachment-store-unavailable")
    assert await office.rows("SELECT count(*) FROM attachment") == before


@pytest.mark.parametrize("damage", ["bit", "cut", "grown", "gone", "exchanged"])
async def test_a_damaged_file_is_an_error(office: Office, cixi: Caller, damage: str) -> None:
    made, other = await uploaded(cixi, files.pdf(b"small")), await uploaded(cixi, files.pdf(b"other"))
    paths = {}
    for name, each in {"own": made, "other": other}.items():
        (row,) = await office.rows(
            "SELECT encode(address, 'hex') AS n FROM attachment WHERE attachment_id = $1", each["attachment_id"]
        )
        (paths[name],) = [path for path in stored_files(office) if path.name == row["n"]]
    content = paths["own"].read_bytes()
    changed = {
        "bit": content[:50] + bytes((content[50] ^ 1,)) + content[51:],
        "cut": content[:-1],
        "grown": content + b"\0",
        "exchanged": paths["other"].read_bytes(),
    }
    if damage == "gone":
        paths["own"].unlink()
    else:
        paths["own"].write_bytes(changed[damage])
    answer = await download(cixi, made["attachment_id"])
    problem(answer, 500, "attachment-damaged")
    assert b"small" not in answer.content


async def test_a_residence_registration_needs_no_file(office: Office, resident: Resident, cixi: Caller) -> None:
    """The calls of the first journey are what they were."""
    await resident.register_person()
    body = a_residence(resident.person_id, started_on=office.today.isoformat())
    expect(await cixi.post("/v1/residence-registrations", body), 201)
    expect(await cixi.post("/v1/residence-permits", an_application(resident.person_id)), 201)


async def test_the_files_of_a_deleted_person_are_gone_with_it(office: Office, resident: Resident) -> None:
    """Those named at the upload and those of its cases, also of the case it shared with somebody else; nobody else's."""
    await resident.register_person()
    relative = expect(await resident.caller.post("/v1/persons", a_person()), 201)["person_id"]
    named = await uploaded(resident.caller, files.pdf(b"named"), person_id=str(resident.person_id))
    of_the_case = await uploaded(resident.caller, files.pdf(b"evidence of both"))
    others = await uploaded(resident.caller, files.pdf(b"of the relative"), person_id=relative)
    related = {"person_id": resident.person_id, "related_person_id": relative, "kind": "spouse", "valid_from": "2000-01-01"}
    evidence = [{"type": "marriage_certificate", "attachment_id": of_the_case["attachment_id"]}]
    expect(await resident.caller.post("/v1/relationships", related | {"evidence": evidence}), 201)
    gone = [await name_in_store(office, each) for each in (named, of_the_case)]
    kept = await name_in_store(office, others)
    assert (await deleted(office, resident.caller, str(resident.person_id)))["status"] == "approved"
    for each in (named, of_the_case):
        assert (await resident.caller.get(f"{PATH}/{each['attachment_id']}")).status_code == 404
        assert await office.rows("SELECT FROM attachment WHERE attachment_id = $1", each["attachment_id"]) == []
        assert await office.rows("SELECT FROM attachment_reference WHERE attachment_id = $1", each["attachment_id"]) == []
        (line,) = await office.rows(
            "SELECT line::jsonb AS line FROM audit_line WHERE line::jsonb->>'operation' = 'delete'"
            " AND line::jsonb->>'resource_id' = $1",
            each["attachment_id"],
        )
        assert (line["line"]["actor"], line["line"]["person"]) == ("officer-2", str(resident.person_id))
    assert expect(await resident.caller.get(f"{PATH}/{others['attachment_id']}"), 200)["person_id"] == relative
    await age(office)
    await clean_up(office)
    names = {path.name for path in stored_files(office)}
    assert names.isdisjoint(gone)
    assert kept in names
