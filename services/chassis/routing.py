"""The unit of work as a route class: parse strictly, one transaction, claim the key, act, store the answer, commit, answer.

FastAPI derives the OpenAPI from the handlers' signatures; parsing, injection and serialisation are done here, because
FastAPI's own would refuse dates in strict mode, commit after the answer has left, and cost more than the rest of the
request.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, create_model
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.chassis import idempotency, logs, preconditions, tracing
from services.chassis.crash_points import crash_point
from services.chassis.db import Transaction, in_transaction, without_transaction
from services.chassis.errors import DomainError
from services.chassis.idempotency import Claim, StoredAnswer
from services.chassis.logs import request_context
from services.chassis.metrics import REQUEST_SECONDS, REQUESTS
from services.chassis.operation import Operation
from services.chassis.parameters import NotInForceError
from services.chassis.parsing import check_media_type, parse_body, parse_parameters, parse_query
from services.chassis.principal import Principal
from services.chassis.problems import preferred_language
from services.chassis.runtime import Runtime
from services.chassis.schemas import Parameters, View
from services.chassis.sealing import UnknownKeyError
from services.chassis.streaming import StreamedAnswer, StreamedBody
from services.chassis.work import Work

logger = logging.getLogger(__name__)

ViewT = TypeVar("ViewT", bound=View)
Result = TypeVar("Result")
_Observed = tuple[Counter, Histogram]
_JSON = "application/json"
_KEY_HEADER = idempotency.HEADER.lower()


def _supplied_by_the_route() -> Work:
    raise AssertionError("the route class supplies the unit of work")


SUPPLIED = Depends(_supplied_by_the_route)
CurrentWork = Annotated[Work, SUPPLIED]
"""The parameter type of a handler's unit of work. A streamed body is declared likewise: `Annotated[ItsClass, SUPPLIED]`."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[ViewT]):
    """An answer with more than a body: `version` becomes the strong ETag, `location` the address of what was made."""

    view: ViewT
    version: int | None = None
    location: str | None = None
    status: int | None = None


class ServiceRouter(APIRouter):
    """A router whose routes are units of work."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=UnitOfWorkRoute, **options)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Register a route: the response model is what the handler returns, `Answer[...]` unwrapped; its docstring's first
        line is the summary, the rest the description.
        """
        summary, _, description = inspect.cleandoc(endpoint.__doc__ or "").partition("\n")
        options["summary"], options["description"] = summary.rstrip("."), description.strip()
        returned = get_type_hints(endpoint)["return"]
        options["response_model"] = get_args(returned)[0] if get_origin(returned) is Answer else returned
        if returned is StreamedAnswer:
            options |= {"response_model": None, "response_class": Response}
        super().add_api_route(path, endpoint, **options)


@dataclass(frozen=True, slots=True)
class _Signature:
    """A handler's parameters, sorted once at start-up."""

    work: str
    body: str | None
    body_model: type[BaseModel] | None
    stream: str | None
    stream_class: type[StreamedBody] | None
    parameters: type[BaseModel] | None

    @classmethod
    def of(cls, endpoint: Callable[..., Any]) -> "_Signature":
        hints = get_type_hints(endpoint, include_extras=True)
        work = body = body_model = stream = stream_class = None
        others: dict[str, Any] = {}
        for name, parameter in inspect.signature(endpoint).parameters.items():
            hint = hints[name]
            if hint is CurrentWork:
                work = name
            elif isinstance(hint, type) and issubclass(hint, BaseModel):
                body, body_model = name, hint
            elif (found := _streamed(hint)) is not None:
                stream, stream_class = name, found
            else:
                others[name] = (hint, ... if parameter.default is inspect.Parameter.empty else parameter.default)
        if work is None:
            raise TypeError(f"{endpoint.__qualname__} takes no CurrentWork")
        model = create_model("Parameters", __base__=Parameters, **others) if others else None
        return cls(work, body, body_model, stream, stream_class, model)


def _streamed(hint: Any) -> type[StreamedBody] | None:
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else None
    return inner if isinstance(inner, type) and issubclass(inner, StreamedBody) else None


class UnitOfWorkRoute(APIRoute):
    """See the module's docstring."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.signature = _Signature.of(endpoint)
        self.operation = Operation.of(self.openapi_extra or {})
        self.observed: dict[int, _Observed] = {}
        self.name_in_logs = f"{'|'.join(sorted(self.methods or ()))} {self.path_format}"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The ASGI-side handler of this route."""
        return self.handle_request

    async def handle_request(self, request: Request) -> Response:
        """The answer to a request for this route, whatever goes wrong."""
        runtime: Runtime = request.app.state.runtime
        started = time.perf_counter()
        # Looked up a dozen times: a dictionary of them is made once. Of a header sent twice the first counts, as in Starlette.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(request.scope["headers"])}
        request_id = tracing.request_id(headers.get("x-request-id"))
        trace = tracing.child(headers.get("traceparent"))
        token = request_context.set({"request_id": request_id, "trace_id": tracing.trace_id(trace)})
        call = _Call(self, runtime, request, headers, request_id, trace)
        try:
            response = await call.answer()
            response.raw_headers.append((b"x-request-id", request_id.encode("latin-1")))
            seconds = time.perf_counter() - started
            self._count(runtime.name, response.status_code, seconds)
            logs.info(
                logger,
                "answered",
                {
                    "operation": self.name_in_logs,
                    "status": response.status_code,
                    "ms": round(seconds * 1000, 2),
                    "client": call.principal.client_id if call.principal else None,
                    "problem": call.problem,
                },
            )
            return response
        finally:
            request_context.reset(token)

    def _count(self, process: str, status: int, seconds: float) -> None:
        """In the metrics, whose children are kept: finding them costs more than counting."""
        children = self.observed.get(status)
        if children is None:
            labels = (process, self.name_in_logs)
            children = self.observed[status] = REQUESTS.labels(*labels, status), REQUEST_SECONDS.labels(*labels)
        children[0].inc()
        children[1].observe(seconds)


@dataclass(slots=True)
class _Call:
    """One request on its way through the unit of work."""

    route: UnitOfWorkRoute
    runtime: Runtime
    request: Request
    headers: Mapping[str, str]
    request_id: str
    traceparent: str
    principal: Principal | None = None
    problem: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)

    async def answer(self) -> Response:
        """The answer, or the problem document of whatever went wrong; nothing internal gets out."""
        try:
            async with asyncio.timeout(self._seconds_left()):
                return await self._run()
        except DomainError as error:
            return self._refuse(error)
        except NotInForceError as error:
            return self._refuse(DomainError("law-not-held", extra={"parameter": error.parameter, "on": error.day.isoformat()}))
        except TimeoutError:
            return self._refuse(DomainError("deadline-exceeded", retry_after=1))
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            logger.exception("request failed")
            return self._refuse(DomainError("internal-error"))

    async def _run(self) -> Response:
        operation, headers = self.route.operation, self.headers
        principal = self.runtime.tokens.principal(headers.get("authorization"))
        self.principal = principal
        operation.admit(principal)
        if operation.writes or operation.purpose:
            self.runtime.evidence.refuse_if_overdue()
        if_match = preconditions.parse_if_match(headers.get("if-match"), required=operation.if_match)
        key = idempotency.parse_key(headers.get(_KEY_HEADER)) if operation.idempotency else None
        content = await self._parse()
        if (stream_class := self.route.signature.stream_class) is not None:
            return await self._take_in(principal, key, await stream_class.receive(self.runtime, self.request))
        claim = self._claim(principal, key, content) if key is not None else None
        if operation.writes:
            return await self._knowing_keys(lambda: self._write(principal, claim, if_match))
        return await self._knowing_keys(lambda: self._read(principal))

    async def _knowing_keys(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Act; once more when a value was met that is sealed under a key this process had not heard of."""
        try:
            return await act()
        except UnknownKeyError:
            await self.runtime.learn_keys()
            return await act()

    async def _parse(self) -> bytes:
        """Fill `arguments` from path, query and body; returns the body in the one spelling that fingerprints compare."""
        signature, request = self.route.signature, self.request
        query = parse_query(request.scope["query_string"])
        if signature.parameters is not None:
            self.arguments = parse_parameters(signature.parameters, request.path_params, query)
        elif query:
            parse_parameters(Parameters, {}, query)
        if signature.body_model is None or signature.body is None:
            return b""
        settings = self.runtime.settings
        raw = await _read_body(request, settings.body_limit_bytes)
        if raw:
            check_media_type(self.headers.get("content-type", _JSON))
        body = parse_body(signature.body_model, raw, settings.body_depth_limit)
        self.arguments[signature.body] = body
        return body.model_dump_json(exclude_unset=True).encode()

    def _claim(self, principal: Principal, key: str, content: bytes) -> Claim:
        path, query = self.request.scope["path"].encode(), self.request.scope["query_string"]
        fingerprint = self.runtime.keyring.fingerprint(self.request.method.encode(), path, query, content)
        return Claim(principal.client_id, self.route.name_in_logs, key, fingerprint)

    async def _read(self, principal: Principal) -> Response:
        refusal: DomainError | None = None
        rows, timeout = self.runtime.rows_of(principal), self.runtime.settings.acquire_timeout_s
        async with without_transaction(self.runtime.pool, rows=rows, acquire_timeout=timeout) as tx:
            work = self._work(tx, principal)
            try:
                answer = await self._act(work)
            except DomainError as error:
                refusal = error
        crash_point("read.acted")
        # A refused reading leaves its lines too: who tried to learn of whom is evidence.
        if lines := work.take_audit_lines():
            await self.runtime.read_auditor.write(lines)
        crash_point("read.audited")
        if refusal is not None:
            raise refusal
        if isinstance(answer, StreamedAnswer):
            return await answer.response(self._seconds_left())
        return _response(answer)

    async def _take_in(self, principal: Principal, key: str | None, stream: StreamedBody) -> Response:
        """A write with a streamed body: durable before the transaction, removed unless a committed one may tell of it."""
        name = self.route.signature.stream
        assert name is not None
        self.arguments[name] = stream
        may_be_told_of = False
        try:
            claim = self._claim(principal, key, stream.digest) if key is not None else None
            if claim is not None and (found := await self._knowing_keys(lambda: self._answered_before(principal, claim))):
                return _response(found, replayed=True)
            await stream.keep()
            may_be_told_of = True
            response = await self._knowing_keys(lambda: self._write(principal, claim, None))
            may_be_told_of = "idempotency-replayed" not in response.headers
            return response
        except DomainError as error:
            may_be_told_of = may_be_told_of and error.code == "database-unavailable"  # nobody knows what became of the COMMIT
            raise
        finally:
            if not may_be_told_of:
                await stream.discard()

    async def _answered_before(self, principal: Principal, claim: Claim) -> StoredAnswer | None:
        """Look before a long body is stored: a retry has nothing to store."""
        return await in_transaction(
            self.runtime.pool,
            lambda tx: claim.find_answer(self._work(tx, principal)),
            rows=self.runtime.rows_of(principal),
            acquire_timeout=self.runtime.settings.acquire_timeout_s,
        )

    async def _write(self, principal: Principal, claim: Claim | None, if_match: int | None) -> Response:
        async def unit(tx: Transaction) -> tuple[StoredAnswer, bool, bool]:
            work = self._work(tx, principal, if_match)
            if claim is not None and (found := await claim.find_answer(work)) is not None:
                return found, False, True
            crash_point("route.claimed")
            answer = await self._act(work)
            assert isinstance(answer, StoredAnswer), "what a write answers is kept under its key"
            work.refuse_ignored_version()
            crash_point("route.acted")
            await work.flush(None if claim is None else claim.keep(work, answer))
            crash_point("route.stored")
            return answer, work.has_events, False

        answer, emitted, replayed = await in_transaction(
            self.runtime.pool,
            unit,
            rows=self.runtime.rows_of(principal),
            acquire_timeout=self.runtime.settings.acquire_timeout_s,
        )
        crash_point("route.committed")
        if emitted:
            self.runtime.wake_relay()
        return _response(answer, replayed=replayed)

    def _work(self, tx: Transaction, principal: Principal, if_match: int | None = None) -> Work:
        return self.runtime.work(tx, principal, request_id=self.request_id, traceparent=self.traceparent, if_match=if_match)

    async def _act(self, work: Work) -> StoredAnswer | StreamedAnswer:
        handler: Callable[..., Awaitable[View | Answer[Any] | StreamedAnswer]] = self.route.endpoint
        result = await handler(**{self.route.signature.work: work}, **self.arguments)
        return result if isinstance(result, StreamedAnswer) else self._serialise(result)

    def _serialise(self, result: View | Answer[Any]) -> StoredAnswer:
        answer = result if isinstance(result, Answer) else Answer(result)
        headers = {"content-type": _JSON}
        if answer.version is not None:
            headers["etag"] = f'"{answer.version}"'
        if answer.location is not None:
            headers["location"] = answer.location
        status = answer.status or self.route.status_code or 200
        return StoredAnswer(status, headers, answer.view.__pydantic_serializer__.to_json(answer.view))

    def _refuse(self, error: DomainError) -> Response:
        self.problem = error.code
        language = preferred_language(self.headers.get("accept-language"))
        problem = self.runtime.catalogue.document(error, language=language, request_id=self.request_id)
        return Response(problem.body, problem.status, problem.headers)

    def _seconds_left(self) -> float:
        limit = self.route.operation.deadline_s or self.runtime.settings.request_deadline_s
        given = self.headers.get("x-request-deadline-ms", "")
        return min(limit, int(given) / 1000) if given.isascii() and given.isdigit() and len(given) < 9 else limit


async def _read_body(request: Request, limit: int) -> bytes:
    """The whole body, counted while it arrives: `Content-Length` is a claim, not a fact."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise DomainError("body-too-large", extra={"limit_bytes": limit})
        chunks.append(chunk)
    return b"".join(chunks)


def _response(answer: StoredAnswer, *, replayed: bool = False) -> Response:
    headers = {**answer.headers, "idempotency-replayed": "true"} if replayed else answer.headers
    return Response(answer.body, answer.status, headers)
