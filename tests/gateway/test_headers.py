"""Forwarding: which headers reach a service, which come back, and how a call is followed through the house."""

import asyncio
import re

import httpx
import pytest

from tests.gateway.conftest import PERSON, bearer

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def names(answer: httpx.Response) -> set[str]:
    return {name for name, _ in answer.json()["headers"]}


def sent(answer: httpx.Response) -> dict[str, str]:
    return dict(answer.json()["headers"])


async def test_identity_and_forwarding_headers_of_the_outside_never_reach_a_service(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    forged = {
        "x-forwarded-for": "10.0.0.1",
        "x-forwarded-host": "inside",
        "x-forwarded-proto": "https",
        "x-forwarded-user": "root",
        "x-forwarded-prefix": "/internal",
        "x-original-url": "/internal/sandbox/clock",
        "x-rewrite-url": "/internal",
        "x-real-ip": "127.0.0.1",
        "forwarded": "for=127.0.0.1",
        "via": "1.1 inside",
        "x-inside-token": "x",
        "x-inside-client": "root",
        "x-client-id": "root",
        "x-organisation": "police",
        "x-division": "33",
        "x-scopes": "*",
        "x-user": "root",
        "x-actor": "officer-7",
        "cookie": "session=1",
        "proxy-authorization": "Basic eA==",
        "te": "trailers",
        "user-agent": "attacker",
        "accept-encoding": "gzip",
        "x-http-method-override": "DELETE",
        "range": "bytes=0-1",
        "origin": "https://evil.test",
        "referer": "https://evil.test/",
        "x_purpose": "underscore",
    }
    answer = await http.get(gateway + PERSON, headers={**bearer(token), **forged})
    assert answer.status_code == 200
    allowed = {"host", "authorization", "x-request-id", "traceparent", "x-request-deadline-ms", "accept"}
    assert names(answer) == allowed
    assert token not in answer.text


async def test_the_agreed_headers_reach_the_service_as_they_were(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    given = {
        "idempotency-key": '"abc-1"',
        "if-match": '"3"',
        "if-none-match": '"2", "3"',
        "accept": "application/json",
        "accept-language": "en, zh;q=0.5",
        "content-type": "application/json",
    }
    answer = await http.request("PATCH", gateway + PERSON, headers={**bearer(token), **given}, content=b'{"a": 1}')
    assert {name: value for name, value in sent(answer).items() if name in given} == given
    assert sent(answer)["content-length"] == "8"


async def test_path_and_query_arrive_byte_for_byte(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    query = "after=a%2Fb%20c%E5%BC%A0+d&limit=5&x=%2e%2e&y=~!$'()*,;:@/?"
    answer = await http.get(f"{gateway}/v1/residence-registrations?{query}", headers=bearer(token))
    assert answer.json()["raw_path"] == "/v1/residence-registrations"
    assert answer.json()["query"] == httpx.URL(f"http://x/?{query}").query.decode()


async def test_only_agreed_headers_come_back(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    answer = await http.get(f"{gateway}{PERSON}?behave=headers", headers=bearer(token))
    assert answer.status_code == 201
    assert set(answer.headers) == {
        "content-type",
        "content-length",
        "etag",
        "location",
        "retry-after",
        "cache-control",
        "link",
        "deprecation",
        "ratelimit-policy",
        "ratelimit",
        "idempotency-replayed",
        "x-content-type-options",
        "referrer-policy",
        "x-frame-options",
        "x-request-id",
        "date",
    }
    assert answer.headers["cache-control"] == "private, max-age=5"


async def test_answers_are_not_to_be_stored_unless_the_service_says_so(
    http: httpx.AsyncClient, gateway: str, token: str
) -> None:
    answer = await http.get(gateway + PERSON, headers=bearer(token))
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("given", ["abc-1", "0192f0c1-0000-7000-8000-000000000001", "a" * 64, "a.b_c~d:e"])
async def test_a_well_formed_request_id_is_kept(http: httpx.AsyncClient, gateway: str, token: str, given: str) -> None:
    answer = await http.get(gateway + PERSON, headers=bearer(token, x_request_id=given))
    assert answer.headers["x-request-id"] == given
    assert sent(answer)["x-request-id"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "a" * 65, "<script>", "a\tb", "张"])
async def test_otherwise_the_request_gets_one(http: httpx.AsyncClient, gateway: str, token: str, given: str | None) -> None:
    headers = {**bearer(token), **({} if given is None else {"x-request-id": given.encode()})}
    answer = await http.get(gateway + PERSON, headers=headers)  # type: ignore[arg-type]
    assert UUID7.fullmatch(answer.headers["x-request-id"])
    assert sent(answer)["x-request-id"] == answer.headers["x-request-id"]


async def test_every_answer_has_a_request_id_refusals_too(http: httpx.AsyncClient, gateway: str) -> None:
    for path in ("/v1/nothing", PERSON, "/readyz", "/docs", "/openapi.json", "/.well-known/jwks.json"):
        answer = await http.get(gateway + path, headers={"x-request-id": "mine"})
        assert answer.headers["x-request-id"] == "mine"
        assert answer.headers["x-content-type-options"] == "nosniff"
    refused = await http.get(f"{gateway}/v1/nothing", headers={"x-request-id": "mine"})
    assert refused.json()["request_id"] == "mine"


async def test_the_trace_is_continued_or_started(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await http.get(gateway + PERSON, headers=bearer(token, traceparent=f"00-{trace}-b7ad6b7169203331-01"))
    version, continued, span, flags = sent(answer)["traceparent"].split("-")
    assert (version, continued, flags) == ("00", trace, "01")
    assert span != "b7ad6b7169203331"
    for malformed in ("00-xyz", f"00-{'0' * 32}-b7ad6b7169203331-01", f"ff-{trace}-b7ad6b7169203331-01"):
        started = sent(await http.get(gateway + PERSON, headers=bearer(token, traceparent=malformed)))["traceparent"]
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", started)
        assert trace not in started


async def test_concurrent_callers_get_their_own_answers(http: httpx.AsyncClient, gateway: str, token: str) -> None:
    async def one(number: int) -> bool:
        answer = await http.get(f"{gateway}/v1/persons/p{number}", headers=bearer(token, x_actor=f"officer-{number}"))
        content = answer.json()
        return bool(content["raw_path"].endswith(f"/p{number}") and content["principal"]["actor"] == f"officer-{number}")

    assert all(await asyncio.gather(*(one(number) for number in range(100))))


async def test_refusals_speak_the_callers_language(http: httpx.AsyncClient, gateway: str) -> None:
    chinese = await http.get(f"{gateway}/v1/nothing")
    english = await http.get(f"{gateway}/v1/nothing", headers={"accept-language": "en-GB, zh;q=0.2"})
    assert (chinese.json()["title"], english.json()["title"]) == ("没有找到", "Not found")
    assert english.headers["content-language"] == "en"
