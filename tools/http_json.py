"""Tools on a team's own JSON API: a typed function without a body is all that one takes.

```python
from tools.http_json import http_json

shop = http_json("https://api.example.com/v1", headers={"Authorization": "Bearer ${SHOP_TOKEN}"})

@shop.get("/stock/{article}")
async def stock(article: str, branch: str = "main") -> Stock:
    \"\"\"How many of an article are left.\"\"\"

Assistant(tools=[shop]).run()
```

The signature says what a model may give, the docstring what it is for, the return type what is read of the answer. What
is sent, and what it defends, is told in docs/data-tools.md.
"""

from __future__ import annotations

import dis
import inspect
import re
import ssl
import sys
import types
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NoReturn, Unpack, cast, get_type_hints

import msgspec
import pydantic
from pydantic.errors import PydanticUserError

from orchestrator.errors import ConfigError, ToolDefinitionError, ToolRetry
from orchestrator.function_tool import LimitOptions, made
from orchestrator.ports import Progress, Resource, Result, ToolContext, ToolInfo
from orchestrator.resources import SharedResource
from orchestrator.tool_schema import Arguments, place_of, read_signature
from orchestrator.toolbox import Toolbox
from tools.api_answer import Pick, Reading
from tools.api_request import Method, Plan, planned
from tools.api_wire import ApiClient, ApiLimits, Sent, opened
from tools.fetch_url import Target, parse_url
from tools.settled import Settled

__all__ = ["ApiLimits", "CallOptions", "JsonApi", "JsonTool", "http_json"]

Decorator = Callable[[Callable[..., object]], "JsonTool"]

_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS: Final = frozenset(("host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te"))


class CallOptions(LimitOptions, total=False):
    """The keyword arguments of `get`, `post`, ...: the limits of `@tool`, and these."""

    name: str
    """What models call it; the function's own name when left out."""
    description: str
    """What models read of it; the docstring when left out."""
    returns: Any
    """What of the answer is read; the return type when left out."""
    pick: Pick
    """The part of the answer that is wanted: `"items.0.price"`, `"items.*.name"`, several as
    `{"price": "items.0.price"}`, or a function of the whole."""
    rename: Mapping[str, str]
    """What the API calls a parameter: `{"page_size": "page-size"}`."""
    query: Collection[str]
    """Parameters of a `post`, `put` or `patch` that go into the query and not into the body."""


class JsonApi(Toolbox):
    """One API, and the tools that were declared on it: a toolbox. Made by `http_json`."""

    def __init__(self, base: Target, sent: Sent, tls: ssl.SSLContext | None, limits: ApiLimits, named: _Named) -> None:
        super().__init__(named.name, prefix=named.prefix)
        self._untrusted = named.untrusted

        def client() -> AbstractAsyncContextManager[ApiClient]:
            return opened(base, sent, limits, tls, named.name)

        self._client: Resource[ApiClient] = SharedResource(client, named.name, {})

    def __repr__(self) -> str:
        return f"<api {self.name}: {', '.join(tool.info.name for tool in self)}>"

    def get(self, path: str, /, **options: Unpack[CallOptions]) -> Decorator:
        """A tool that reads. It changes nothing, may run twice, and is tried up to three times.

        Raises `ToolDefinitionError`, as the others do, where path and function do not fit each other.
        """
        return self._declared("GET", path, options)

    def post(self, path: str, /, **options: Unpack[CallOptions]) -> Decorator:
        """A tool with effects, that must not run twice; with `read_only=True, idempotent=True` one that only looks."""
        return self._declared("POST", path, options)

    def put(self, path: str, /, **options: Unpack[CallOptions]) -> Decorator:
        """A tool with effects. `idempotent=True` where a second run does no harm."""
        return self._declared("PUT", path, options)

    def patch(self, path: str, /, **options: Unpack[CallOptions]) -> Decorator:
        """A tool with effects."""
        return self._declared("PATCH", path, options)

    def delete(self, path: str, /, **options: Unpack[CallOptions]) -> Decorator:
        """A tool with effects. What does not stand in the path goes into the query."""
        return self._declared("DELETE", path, options)

    def _declared(self, method: Method, path: str, options: CallOptions) -> Decorator:
        frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
        reads = method == "GET"
        limits: LimitOptions = {"idempotent": reads, "read_only": reads, "retries": 2 if reads else 0}
        own = set(CallOptions.__annotations__) - set(LimitOptions.__annotations__)
        said = cast("LimitOptions", {name: value for name, value in options.items() if name not in own})
        limits |= said

        def decorate(function: Callable[..., object]) -> JsonTool:
            name, description = options.get("name", ""), options.get("description", "")
            info = made(function, name, description, limits, frame).info
            known = frame.f_locals if getattr(function, "__globals__", None) is frame.f_globals else {}
            arguments, _ = read_signature(function, name=info.name, known=known)
            place = place_of(function)
            _check_stub(function, arguments, info.name, place)
            plan = planned(
                method,
                path,
                {
                    each.name: ... if each.default is inspect.Parameter.empty else each.default
                    for each in inspect.signature(function).parameters.values()
                },
                rename=options.get("rename", {}),
                query=options.get("query", ()),
                place=place,
            )
            plan = msgspec.structs.replace(plan, changes=info.limits.effects)
            returns = _returned(function, options.get("returns"), known, info.name, place)
            reading = Reading(self.name, returns, options.get("pick"))
            tool = JsonTool(info, arguments, plan, reading, self._client, untrusted=self._untrusted)
            self._put(tool, said=limits)
            return tool

        return decorate


class JsonTool:
    """One call of an API, as a tool."""

    def __init__(
        self,
        info: ToolInfo,
        arguments: Arguments,
        plan: Plan,
        reading: Reading,
        client: Resource[ApiClient],
        *,
        untrusted: bool,
    ) -> None:
        self._info = info
        self._arguments = arguments
        self._plan = plan
        self._reading = reading
        self._client = client
        self._untrusted = untrusted

    def __repr__(self) -> str:
        return f"<tool {self._info.name}>"

    @property
    def info(self) -> ToolInfo:
        """What models are told of it."""
        return self._info

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[Progress | Result]:
        """Ask the API.

        Raises:
            ToolRetry: the arguments do not fit, or the API says so.
            ToolFailed: it cannot be asked just now, or has no answer.
        """
        request = self._plan.request(self._arguments.check(arguments))
        client = await context.use(self._client)
        try:
            answer = await client.ask(request)
            result = self._reading.result(answer, changes=request.changes, untrusted=self._untrusted, hide=client.hide)
        except Settled as problem:
            # Not raised, and so not tried again: three wrong keys in a row lock an account.
            result = Result(str(problem), ok=False, untrusted=self._untrusted)
        yield result


class _Named(msgspec.Struct, frozen=True):
    name: str
    prefix: str
    untrusted: bool


def http_json(
    base: str,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    name: str = "",
    prefix: str = "",
    untrusted: bool = False,
    limits: ApiLimits | None = None,
    tls: ssl.SSLContext | None = None,
) -> JsonApi:
    """A team's own API, for tools to be declared on.

    Args:
        base: Its address, as `https://api.example.com/v1`. It may be in your own network or on this machine, since you
            have named it; no argument and no redirect leads to another host.
        headers: What goes along with each call. `${NAME}` is read from the environment at each call.
        query: The same for the query, where an API wants its key there.
        name: What it is called in errors and lists; its host when left out.
        prefix: Stands before the name of each of its tools.
        untrusted: Whether its answers are the word of strangers. They are not by default: it is your own. Say `True`
            where it hands on what others have written (reviews, mails): models then get it in a frame only.
        limits: What one call may take.
        tls: Whom to trust, where that is not the system's own choice.

    Raises:
        ConfigError: `base` or a header cannot be.
    """
    target = _base(base)
    for header, value in (headers or {}).items():
        if not _HEADER.fullmatch(header) or header.lower() in _OURS:
            raise ConfigError(
                f"{header!r} is no header that can be set",
                "it is none, or the connection sets it itself",
                "leave it out of the headers of the API",
            )
        if any(char in value for char in "\r\n\0"):
            raise ConfigError(
                f"the header {header} holds a line break", "it would end there", "write its value on one line"
            )
    bounds = limits or ApiLimits()
    wrong = [each for each in bounds.__struct_fields__ if each != "redirects" and not getattr(bounds, each) > 0]
    if wrong:
        raise ConfigError(
            f"no call could be made with {', '.join(f'{each}={getattr(bounds, each)}' for each in wrong)}",
            "a limit is a number above 0",
            "correct ApiLimits, or leave it out",
        )
    return JsonApi(
        target,
        Sent(dict(headers or {}), dict(query or {})),
        tls,
        bounds,
        _Named(name or target.host, prefix, untrusted),
    )


def _base(text: str) -> Target:
    if not text.lower().startswith(("http://", "https://")):
        raise _no_base("it does not begin with http:// or https://")
    try:
        target = parse_url(text)
    except ToolRetry as problem:
        raise _no_base(problem.why.rstrip(".")) from None
    if "?" in target.path or "#" in text:
        raise _no_base("it holds a query or a fragment, which belong to the paths")
    return target


def _no_base(why: str) -> ConfigError:
    # The address itself is not repeated: whoever has put a password into it finds it in no log.
    return ConfigError(
        "this is no address of an API",
        why[:1].lower() + why[1:],
        'write it as "https://api.example.com/v1", and what is secret into the headers',
    )


def _check_stub(function: Callable[..., object], arguments: Arguments, name: str, place: str) -> None:
    def refuse(why: str, todo: str) -> NoReturn:
        raise ToolDefinitionError(f"{name} cannot become a tool{place}.", why, todo)

    extra = [*filter(None, [arguments.context]), *arguments.resources]
    if extra:
        refuse(f"Nobody would use its {', '.join(extra)}: the API is asked in its place.", "Leave it out.")
    code = getattr(inspect.unwrap(function), "__code__", None)
    if not isinstance(code, types.CodeType):
        refuse("It is no function that was written in Python.", "Write a typed function without a body.")
    if not _is_empty(code):
        refuse("It has a body, and that would never run.", "Leave it empty; `pick` takes a function of the answer.")


def _is_empty(code: types.CodeType) -> bool:
    """Whether a body is a docstring, `...`, `pass` or `raise NotImplementedError`, and nothing else."""
    for step in dis.get_instructions(code):
        if step.opname.startswith("LOAD_GLOBAL") and step.argval == "NotImplementedError":
            continue
        if step.opname.startswith("LOAD_CONST") or step.opname == "RETURN_CONST":
            if step.argval is None or step.argval is ... or isinstance(step.argval, str):
                continue
            return False
        if step.opname.startswith(("LOAD_", "STORE_", "BUILD_", "IMPORT_", "YIELD_")):
            return False
    return True


def _returned(
    function: Callable[..., object], said: Any, known: Mapping[str, Any], name: str, place: str
) -> pydantic.TypeAdapter[Any] | None:
    raw = getattr(function, "__annotations__", {}).get("return")
    try:
        if said is None and raw is not None:
            holder = types.SimpleNamespace(__annotations__={"return": raw})
            space = getattr(function, "__globals__", {})
            said = get_type_hints(holder, globalns=space, localns=dict(known), include_extras=True)["return"]
        if said in (None, type(None), Any, object):
            return None
        return pydantic.TypeAdapter(said)
    except (PydanticUserError, NameError, TypeError, AttributeError) as problem:
        raise ToolDefinitionError(
            f"{name} cannot become a tool{place}.",
            f"What it returns cannot be read: {' '.join(str(problem).split())[:200]}.",
            "Return a model, a dataclass or plain types, which can be imported when the program runs.",
        ) from problem
