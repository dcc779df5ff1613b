"""`POST /v1/imports`: a factory's roster into a register that holds a city, against bare set-based SQL, the same rows."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench.figures import Figure, Goal
from bench.stage import Stage
from services.chassis.clock import LawClock
from services.chassis.rows import SERVICE_SESSION
from tests.journeys.suite import citizen_number

_ROWS = 40_000
_CHUNK = 1_000
_WITHIN_S = 1_800.0
_LOOK_EVERY_S = 0.25
_HEADER = "姓名,身份证号,民族,文化程度,户籍地代码,手机号,居住地代码,现住址,居住方式,入住日期\n"
_HOMES = ("341525", "360502", "411503", "500112", "520302", "530602")  # neither of `city` nor of `residents`
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静秀丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲建国红"
_DAYS = 13_000

# The rows one import left, as they are but for their keys, in the order they were written. An id keeps its time and gets
# another last digit; digests are digested once more.
_TWIN = """CAST(left(CAST({0} AS text), 35)
    || translate(right(CAST({0} AS text), 1), '0123456789abcdef', '123456789abcdef0') AS uuid)"""
_COPIES = {
    "person": ("person", "p.person_id", ("person_id",)),
    "identity_document": ("identity_document", "p.person_id", ("document_id", "person_id")),
    "person_division": ("person_division", "p.person_id", ("person_division_id", "person_id")),
    "residence_registration": ("residence_registration", "p.person_id", ("registration_id", "person_id")),
    "person_search_key": ("person_search_key", "p.person_id", ("person_id",)),
    "event_sequence": ("event_sequence", "p.partition_key", ("partition_key",)),
    "outbox": ("outbox", "p.partition_key", ("event_id", "partition_key")),
    "person_key": ("person_key", "p.person_id", ("person_id",)),
    "history": ("history", "p.person_id", ("resource_id", "person_id")),
    "audit_line": ("audit_line", "p.person_id", ("audit_id", "person_id")),
}
_LEFT_OUT = {"outbox_id", "xid", "published_position", "published_at"}


@dataclass(frozen=True, slots=True)
class _Done:
    """An import that ended: persons a second, and the most its processes held at once, in MB."""

    request_id: str
    rate: float
    peak_mb: float


def measure(stage: Stage, rows: int = _ROWS) -> list[Figure]:
    """Rate, ratio and memory."""
    done = _import(stage, "".join(roster(rows)).encode("gb18030"))
    bare = asyncio.run(_bare(stage.superuser_url("registry"), done.request_id))
    return [
        Figure(
            name="import of a roster",
            unit="persons/s",
            ours=done.rate,
            limit=bare,
            limit_name="bare set-based SQL, the same rows",
            kind=Goal.RATIO,
            goal=0.5,
            note=f"{rows:,} new persons with registrations; goal on a quiet machine 8,000 persons/s",
        ),
        Figure(
            name="memory of the importer",
            unit="MB",
            ours=done.peak_mb,
            kind=Goal.AT_MOST,
            goal=400,
            note="PSS, all its processes",
        ),
    ]


def roster(rows: int) -> Iterator[str]:
    """A file's lines, its header first: new persons with a registration each."""
    today = LawClock().today()
    yield _HEADER
    for count in range(rows):
        home, born = _HOMES[count % 6], date(1966, 1, 1) + timedelta(days=count % _DAYS)
        number = citizen_number(home, f"{born:%Y%m%d}", 100 + count // _DAYS)
        name = _SURNAMES[count % 20] + _GIVEN[count % 29] + _GIVEN[count // 29 % 29]
        started = today - timedelta(days=count % 400)
        home_now = f"工业大道{count % 60}幢{count % 500}室"
        yield f"{name},{number},汉族,初中,{home},139{count:08d},330282107,{home_now},员工宿舍,{started}\n"


def _import(stage: Stage, content: bytes) -> _Done:
    with httpx.Client(base_url=stage.gateway_url, timeout=120) as http:

        def call(method: str, path: str, **options: Any) -> Any:
            key = {"Idempotency-Key": f"bench-import-{time.time_ns()}"} if method == "POST" else {}
            headers = {**stage.outside_headers(), **key, **options.pop("headers", {})}
            answer = http.request(method, path, headers=headers, **options)
            answer.raise_for_status()
            return answer.json()

        upload = "/v1/registry/attachments?purpose=import&retention_class=working_file"
        file = call("POST", upload, content=content, headers={"Content-Type": "text/csv"})
        operation = call("POST", "/v1/imports", json={"attachment_id": file["attachment_id"], "kind": "residents"})
        peak, until = 0.0, time.monotonic() + _WITHIN_S
        while operation["state"] in {"accepted", "running"} and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
            peak = max(peak, _held_mb())
            operation = call("GET", f"/v1/registry/operations/{operation['operation_id']}")
    if operation["state"] != "succeeded" or set(operation["counts"]) != {"entered"}:
        raise RuntimeError(f"the import ended otherwise: {operation}")
    started, ended = (datetime.fromisoformat(operation[name]) for name in ("started_at", "finished_at"))
    request_id = asyncio.run(_request_of(stage.superuser_url("registry"), operation["operation_id"]))
    return _Done(request_id, operation["done"] / (ended - started).total_seconds(), peak)


def _held_mb() -> float:
    """Of the worker and everything it started."""
    parents: dict[int, int] = {}
    workers = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if command[1:3] == [b"-m", b"services.registry"]:
            workers.add(int(folder.name))
    members = {pid for pid in parents if _descends(pid, workers, parents)}
    return sum(_pss_mb(pid) for pid in members)


def _descends(pid: int, ancestors: set[int], parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid in ancestors:
            return True
        pid = parents.get(pid, 0)
    return False


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


async def _request_of(superuser_url: str, operation_id: str) -> str:
    connection = await asyncpg.connect(superuser_url)
    try:
        return str(await connection.fetchval("SELECT request_id FROM operation WHERE operation_id = $1", operation_id))
    finally:
        await connection.close()


async def _bare(superuser_url: str, request_id: str) -> float:
    """Write twins of what the import wrote, a thousand persons to a transaction, a statement per table."""
    connection = await asyncpg.connect(superuser_url, server_settings=SERVICE_SESSION, command_timeout=600)
    try:
        persons, columns = await _make_twins(connection, request_id)
        started = time.perf_counter()
        for part in range(-(-persons // _CHUNK)):
            async with connection.transaction():
                for table, names in columns.items():
                    listed = ", ".join(names)
                    await connection.execute(
                        f"INSERT INTO {table} ({listed}) SELECT {listed} FROM bench_twin.{table} WHERE part = $1", part
                    )
        return persons / (time.perf_counter() - started)
    finally:
        await connection.execute("DROP SCHEMA IF EXISTS bench_twin CASCADE")
        await connection.close()


async def _make_twins(connection: Any, request_id: str) -> tuple[int, dict[str, list[str]]]:
    await connection.execute("CREATE SCHEMA bench_twin")
    await connection.execute(
        "CREATE TABLE bench_twin.part AS SELECT person_id, (row_number() OVER (ORDER BY person_id) - 1) / $2 AS part"
        " FROM history WHERE request_id = $1 AND resource = 'person'",
        request_id,
        _CHUNK,
    )
    columns: dict[str, list[str]] = {}
    for table, (source, owner, ids) in _COPIES.items():
        rows = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
            " AND attgenerated = '' ORDER BY attnum",
            source,
        )
        names = [row["attname"] for row in rows if row["attname"] not in _LEFT_OUT]
        shown = ", ".join(_twin(name, ids) for name in names)
        # The hold of a registration is its trigger's to write.
        only = "AND p.source = 'intake'" if table == "person_division" else ""
        await connection.execute(
            f"CREATE UNLOGGED TABLE bench_twin.{table} AS SELECT {shown}, g.part FROM {source} p"
            f" JOIN bench_twin.part g ON g.person_id = {owner} {only} ORDER BY g.part"
        )
        await connection.execute(f"CREATE INDEX ON bench_twin.{table} (part)")
        columns[table] = names
    await connection.execute("ANALYZE")
    return await connection.fetchval("SELECT count(*) FROM bench_twin.part"), columns


def _twin(name: str, ids: tuple[str, ...]) -> str:
    if name in ids:
        return f"{_TWIN.format(f'p.{name}')} AS {name}"
    return f"sha256(p.{name}) AS {name}" if name in {"number_index", "name_index"} else f"p.{name}"
