"""`xinshimin` commands beside a running suite, as a program reads them."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.chassis.key_file import make_key, parse
from services.chassis.rows import SERVICE_SESSION
from services.suite.exits import ExitCode
from tests.suite.launching import ROOT, RunningUp, clean_environment, xinshimin


def test_check_finds_everything_in_order(running: RunningUp) -> None:
    answer = running.command("check")
    assert [each for each in answer["findings"] if not each["ok"]] == []
    looked_at = {(each["subject"], each["what"]) for each in answer["findings"]}
    assert {
        ("registry", "database"),
        ("points_hukou", "consumer of registry"),
        ("health", "consumer of registry"),
        ("education", "consumer of registry"),
        ("registry", "audit evidence"),
        ("gateway", "ready"),
    } <= looked_at
    assert {("registry", "stream"), ("suite", "law clocks"), ("gateway", "database clock")} <= looked_at


def test_check_fails_with_its_own_code_when_a_process_is_away(running: RunningUp) -> None:
    nowhere = dict.fromkeys(("registry", "points_hukou", "health", "education"), "http://127.0.0.1:9")
    gone = running.environment | {"XINSHIMIN_GATEWAY__UPSTREAMS": json.dumps(nowhere)}
    done = xinshimin("check", "--json", environment=gone)
    assert done.returncode == ExitCode.CHECK_FAILED
    bad = [each["subject"] for each in json.loads(done.stdout)["findings"] if not each["ok"]]
    assert bad == ["registry", "points_hukou", "health", "education"]


def test_migrate_may_be_repeated(running: RunningUp) -> None:
    assert set(running.command("migrate")["revisions"]) == {"registry", "points_hukou", "health", "education", "gateway"}
    assert set(running.command("migrate", "gateway")["revisions"]) == {"gateway"}


def test_events_stand_where_they_should(running: RunningUp) -> None:
    lag = {each["service"]: each for each in running.command("events", "lag")["services"]}
    assert lag["registry"]["outbox"]["unpublished"] == 0
    assert [inbox["producer"] for inbox in lag["points_hukou"]["inboxes"]] == ["registry"]
    assert running.command("events", "dead") == {
        "services": {"registry": [], "points_hukou": [], "health": [], "education": []}
    }
    replayed = running.command("events", "replay", "points_hukou")
    assert replayed == {"producers": {"registry": {"applied": 0, "still_dead": 0}}}


def test_streams_and_inboxes_agree_with_the_outbox(running: RunningUp) -> None:
    running.paste(0, 1)
    reconciled = running.command("events", "reconcile")["services"]
    assert reconciled["registry"]["published"] >= 1
    assert reconciled["registry"]["republished"] == 0
    level = {"behind": 0, "ahead": 0, "rewound": False}
    assert reconciled["registry"]["followers"] == {"points_hukou": level, "health": level, "education": level}
    assert set(reconciled) == {"registry", "points_hukou", "health", "education"}


def test_keys_are_listed_rotated_and_wrapped_anew_beside_the_running_suite(running: RunningUp) -> None:
    running.paste(0, 1)
    before = running.command("keys", "list", "registry", "--count")["services"]["registry"]
    assert before["data_keys"][-1]["state"] == "active"
    assert before["data_keys"][-1]["values"] > 0
    assert len(before["readers"]) == 1
    rotated = running.command("keys", "rotate", "--service", "registry")
    assert (rotated["left"], rotated["retired"]) == (0, [before["data_keys"][-1]["key_id"]])
    assert rotated["resealed"]["person.sealed"] >= 1
    rewrapped = running.command("keys", "rewrap", "--service", "registry", "--new-kek")
    assert rewrapped["left"] == 0
    assert rewrapped["resealed"]["data_key.wrapped"] == len(before["data_keys"]) + 1
    after = running.command("keys", "list", "registry", "--count")["services"]["registry"]
    assert [key["state"] for key in after["data_keys"]][-2:] == ["retired", "active"]
    assert after["data_keys"][-2]["values"] == 0
    assert after["wrapped_by"] == [rewrapped["key_id"]]
    assert after["readers"] == [rotated["key_id"]]
    secrets = json.loads((running.data_dir / "keys" / "registry.json").read_text())
    assert len(secrets["kek"]["keys"]) == 2
    running.paste(0, 1, 2)
    evidence = asyncio.run(_lines_about_keys(running))
    assert [line["operation"] for line in evidence][-2:] == ["rotate", "rewrap"]
    assert rotated["key_id"] in evidence[-2]["outcome"]


async def _lines_about_keys(running: RunningUp) -> list[dict[str, str]]:
    rows = await _rows(
        running,
        "registry",
        "SELECT line FROM audit_line WHERE line::jsonb->>'resource' = 'key' ORDER BY recorded_at, audit_id",
    )
    return [json.loads(row["line"]) for row in rows]


async def _rows(running: RunningUp, service: str, statement: str) -> list[asyncpg.Record]:
    variables = json.loads((running.data_dir / "suite.json").read_text())["variables"]
    url = variables[f"XINSHIMIN_{service.upper()}__DATABASE_URL"]
    connection = await asyncpg.connect(url, server_settings=SERVICE_SESSION)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


def test_the_key_of_document_tokens_is_rotated_beside_the_running_suite(running: RunningUp) -> None:
    running.paste(0, 1)
    running.command("events", "reconcile")
    before = _tokens_of_mirror(running)
    (old,) = {key_id for key_id, _ in before}
    rotated = running.command("keys", "rotate-tokens")
    after = _tokens_of_mirror(running)
    assert {key_id for key_id, _ in after} == {rotated["key_id"]} != {old}
    assert len(after) == len(before) == rotated["forgotten"]["points_hukou"] > 0
    assert not {token for _, token in after} & {token for _, token in before}
    for file in ("registry.json", "points_hukou.json", "health.json", "education.json", "document-token.json"):
        held = json.loads((running.data_dir / "keys" / file).read_text())
        assert set(held.get("document_token", held)["keys"]) == {rotated["key_id"]}, file
    assert running.command("keys", "rotate-tokens")["key_id"] != rotated["key_id"]
    (line,) = asyncio.run(
        _rows(running, "points_hukou", f"SELECT line FROM audit_line WHERE line LIKE '%{rotated['key_id']};%'")
    )
    assert json.loads(line["line"])["operation"] == "rotate"


def test_an_interrupted_rotation_of_document_tokens_is_taken_up(running: RunningUp) -> None:
    """It stopped when one key file had the new key and no process knew it; then a mirror knows more than anybody tells."""
    running.paste(0, 1)
    person = "019ab0c2-1111-7000-8000-00000000dead"
    lost = f"INSERT INTO mirror_person_document VALUES ('lost', 'd0', '{person}', 'citizen_id')"
    asyncio.run(_rows(running, "points_hukou", lost))
    path = running.data_dir / "keys" / "registry.json"
    begun = parse(path.read_text()).with_token_key("begun", make_key())
    path.write_text(begun.model_dump_json())
    refused = xinshimin("keys", "rotate-tokens", environment=running.environment)
    assert refused.returncode == ExitCode.FAILED
    assert "points_hukou knows 1 documents under older keys alone; no key was given up" in refused.stderr
    asyncio.run(_rows(running, "points_hukou", "DELETE FROM mirror_person_document WHERE token = 'lost'"))
    assert running.command("keys", "rotate-tokens")["key_id"] == "begun"
    assert {key_id for key_id, _ in _tokens_of_mirror(running)} == {"begun"}


def test_document_tokens_follow_key_files_that_somebody_else_writes(running: RunningUp) -> None:
    running.paste(0, 1)
    running.command("events", "reconcile")
    files = [
        running.data_dir / "keys" / name for name in ("registry.json", "points_hukou.json", "health.json", "education.json")
    ]
    secret = make_key()
    (old,) = {key_id for key_id, _ in _tokens_of_mirror(running)}
    for file in files:
        file.write_text(parse(file.read_text()).with_token_key("of-the-store", secret).model_dump_json())
    told = running.command("keys", "rotate-tokens", "--files-from-store")
    assert (told["key_id"], told["to_give_up"], told["forgotten"]) == ("of-the-store", [old], {})
    assert {key_id for key_id, _ in _tokens_of_mirror(running)} == {"of-the-store", old}
    for file in files:
        file.write_text(parse(file.read_text()).with_one_token_key().model_dump_json())
    done = running.command("keys", "rotate-tokens", "--files-from-store")
    assert (done["told"], done["to_give_up"]) == (0, [])
    assert done["forgotten"]["points_hukou"] > 0
    assert {key_id for key_id, _ in _tokens_of_mirror(running)} == {"of-the-store"}


def _tokens_of_mirror(running: RunningUp) -> set[tuple[str, str]]:
    rows = asyncio.run(_rows(running, "points_hukou", "SELECT key_id, token FROM mirror_person_document"))
    return {(row["key_id"], row["token"]) for row in rows}


def test_a_snapshot_covers_every_person(running: RunningUp) -> None:
    running.paste(0, 1)
    sent = running.command("events", "snapshot", "registry", "--for", "points_hukou")
    assert sent["keys"] >= 1
    assert sent["states"] >= sent["keys"]


def test_the_life_of_a_client(running: RunningUp) -> None:
    made = running.command("clients", "create", "Street office", "--organisation", "Hushan", "--division", "330282")
    assert _may_have_a_token(running, made["client_id"], made["client_secret"])
    rotated = running.command("clients", "rotate", made["client_id"])
    assert rotated["client_secret"] != made["client_secret"]
    assert _may_have_a_token(running, made["client_id"], rotated["client_secret"])
    running.command("clients", "revoke", made["client_id"])
    listed = {each["client_id"]: each for each in running.command("clients", "list")["clients"]}
    assert listed[made["client_id"]]["revoked_at"] is not None
    assert listed[running.screen["client_id"]]["revoked_at"] is None


def _may_have_a_token(running: RunningUp, client_id: str, secret: str) -> bool:
    answer = httpx.post(
        f"{running.screen['base_url']}/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)
    )
    return answer.status_code == 200


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["clients", "revoke", "client-nobody"], ExitCode.FAILED, "not-found"),
        (["clients", "create", "X", "--organisation", "X", "--division", "hill"], ExitCode.FAILED, "/division_code"),
        (["events", "lag", "gateway"], ExitCode.WRONG_SETTINGS, "no events"),
        (["events", "dead", "nowhere"], ExitCode.WRONG_SETTINGS, "no process 'nowhere'"),
        (["events", "snapshot", "registry", "--for", "registry"], ExitCode.WRONG_SETTINGS, "registry does not follow registry"),
        (["keys", "rotate", "--service", "nowhere"], ExitCode.WRONG_SETTINGS, "no process 'nowhere'"),
    ],
)
def test_a_command_that_cannot_be_says_why(running: RunningUp, arguments: list[str], code: ExitCode, words: str) -> None:
    done = xinshimin(*arguments, "--json", environment=running.environment)
    assert done.returncode == code, done.stderr
    assert words in json.loads(done.stderr)["message"]


@pytest.mark.parametrize("arguments", [["check"], ["migrate"]])
def test_without_a_suite_a_command_says_so(tmp_path: Path, arguments: list[str]) -> None:
    done = xinshimin(*arguments, environment=clean_environment(tmp_path))
    assert done.returncode == ExitCode.NOT_RUNNING
    assert "No suite runs" in done.stderr


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    heavy = "{'asyncpg', 'fastapi', 'sqlalchemy', 'nats', 'pydantic', 'aiohttp'}"
    code = f"import sys, services.suite.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
