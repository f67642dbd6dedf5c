"""From a Python signature to what a model is told of it, and back: the schema of a tool's arguments, and their check.

The annotations say what an argument may be, the docstring says what it means. Whatever cannot be told to a model is
refused when the tool is defined, with file and line: a tool that is wrong must not wait for its first call to say so.
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, NoReturn, cast, get_args, get_origin, get_type_hints

import docstring_parser
import pydantic
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import ErrorDetails

from orchestrator.errors import ToolDefinitionError, ToolRetry
from orchestrator.resources import resource_in
from orchestrator.tool_port import Resource, SyncToolContext, ToolContext

__all__ = ["Arguments", "place_of", "read_signature"]

MAX_SHOWN = 60
"""Characters of a wrong value that an error message repeats."""


class Arguments:
    """The arguments of one function: the schema that models see, and the check that every call goes through."""

    def __init__(
        self,
        model: type[pydantic.BaseModel],
        names: Mapping[str, str],
        context: str,
        resources: Mapping[str, Resource[Any]],
    ) -> None:
        self._model = model
        self._names = names
        self.context = context
        """The parameter that takes the context; empty when there is none."""
        self.resources = resources
        """By parameter: what it is given, and models are not told of."""
        self.schema: dict[str, Any] = _without_titles(model.model_json_schema(schema_generator=_Schema))
        """The JSON Schema of the arguments, always an object that allows no others."""

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function wants them. What was left out stays out: the function's own default holds.

        Raises:
            ToolRetry: they do not fit; one line for each that does not.
        """
        try:
            checked = self._validated(arguments)
        except pydantic.ValidationError as error:
            details = error.errors(include_url=False, include_context=False)
            raise ToolRetry(
                "The arguments do not fit.",
                "\n".join(dict.fromkeys(self._line(detail) for detail in details)),
                "Call it again with arguments that fit.",
            ) from error
        return {self._names[field]: getattr(checked, field) for field in checked.model_fields_set}

    def _validated(self, arguments: Mapping[str, Any]) -> pydantic.BaseModel:
        try:
            return self._model.model_validate(arguments)
        except pydantic.ValidationError as error:
            mended = _mended(arguments, error)
            if not mended:
                raise
            try:
                return self._model.model_validate({**arguments, **mended})
            except pydantic.ValidationError:
                raise error from None  # about what was written, not about what we made of it

    def _line(self, detail: ErrorDetails) -> str:
        where = ".".join(str(part) for part in detail["loc"]) or "arguments"
        match detail["type"]:
            case "missing":
                return f"{where}: is missing."
            case "extra_forbidden":
                known = ", ".join(name for name in self._names.values() if name != self.context)
                return f"{where}: is not known; {f'known are {known}' if known else 'it takes no arguments'}."
            case _:
                # A validator of the tool's own may say anything, also over several lines.
                message = " ".join(detail["msg"].split())
                return f"{where}: {message[:1].lower()}{message[1:]} (it was {_shown(detail['input'])})."


def read_signature(function: Callable[..., Any], *, name: str, known: Mapping[str, Any]) -> tuple[Arguments, str]:
    """What a function takes, and what its docstring says it does.

    `known` are names that annotations may use besides the globals of the function: those of an enclosing function.

    Raises:
        ToolDefinitionError: a model could not be told how to call it.
    """
    inner = inspect.unwrap(function)
    refuse = _Refusal(name, inner)
    try:
        parameters = inspect.signature(function, follow_wrapped=True).parameters
    except (TypeError, ValueError):
        refuse("its parameters cannot be read", "Wrap it in a function of your own with annotations.")
    for each in parameters.values():
        _check_kind(each, refuse)

    hints = {parameter: _hint(inner, parameter, known, refuse) for parameter in parameters}
    contexts = [parameter for parameter, hint in hints.items() if _is_context(hint)]
    if len(contexts) > 1:
        refuse(f"its parameters {' and '.join(contexts)} both ask for the context of the call", "Keep one of them.")
    for parameter in contexts:
        _check_context(function, parameter, hints[parameter], refuse)
    resources = {each: found for each, hint in hints.items() if (found := resource_in(hint)) is not None}
    taken = [parameter for parameter in parameters if parameter not in contexts and parameter not in resources]

    description, about = _read_docstring(inspect.getdoc(function) or "")
    unknown = [parameter for parameter in about if parameter not in parameters]
    if unknown:
        refuse(
            f"its docstring describes {', '.join(unknown)}, which it does not take",
            f"It takes: {', '.join(taken) or 'nothing'}. Mend the docstring or the signature.",
        )

    # A parameter may be called anything, also `schema` or `_x`, which pydantic keeps for itself: so each field has a
    # name of its own, and the parameter's name is its alias.
    fields: dict[str, Any] = {}
    for index, parameter in enumerate(taken):
        default = parameters[parameter].default
        if isinstance(default, FieldInfo):
            refuse(
                f"the default of {parameter} is a Field",
                f"Write {parameter}: Annotated[..., Field(...)], so that the function can still be called plainly.",
            )
        fields[f"arg_{index}"] = (
            _annotated(hints[parameter], parameter, about.get(parameter, "")),
            ... if default is inspect.Parameter.empty else default,
        )
    config = pydantic.ConfigDict(extra="forbid", coerce_numbers_to_str=True, arbitrary_types_allowed=False)
    try:
        model: type[pydantic.BaseModel] = pydantic.create_model(name, __config__=config, **fields)
        names = {f"arg_{index}": parameter for index, parameter in enumerate(taken)}
        arguments = Arguments(model, names, contexts[0] if contexts else "", resources)
    except (PydanticUserError, TypeError, NameError) as error:
        wrong = [parameter for parameter in taken if not _can_be_told(hints[parameter])]
        refuse(
            f"a model cannot be told what {' and '.join(wrong) or 'its arguments'} may be",
            "Use plain types (str, int, float, bool, list, dict, Literal), dates, dataclasses or pydantic models.",
            error,
        )
    for parameter in taken:
        _check_default(parameter, parameters[parameter].default, hints[parameter], refuse)
    return arguments, description


def place_of(function: Callable[..., Any]) -> str:
    """Where a function stands, as an error names it; empty for one that is not written in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f" ({code.co_filename}:{code.co_firstlineno})" if isinstance(code, types.CodeType) else ""


class _Refusal:
    """Raises the definition error of one function; it knows where the function stands."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._what = f"{name} cannot become a tool{place_of(function)}."

    def __call__(self, why: str, todo: str, cause: BaseException | None = None) -> NoReturn:
        raise ToolDefinitionError(self._what, f"{why[:1].upper()}{why[1:]}.", todo) from cause


def _check_kind(parameter: inspect.Parameter, refuse: _Refusal) -> None:
    name = parameter.name
    match parameter.kind:
        case inspect.Parameter.VAR_POSITIONAL:
            refuse(f"*{name} takes any number of values", f"Take a list instead: {name}: list[...].")
        case inspect.Parameter.VAR_KEYWORD:
            refuse(f"**{name} takes arguments of any name", "Name each argument.")
        case inspect.Parameter.POSITIONAL_ONLY:
            refuse(
                f"its parameter {name} is positional-only, and models name their arguments",
                "Remove the / from the signature.",
            )
        case _:
            pass
    if parameter.annotation is inspect.Parameter.empty:
        todo = f"Write {name}: str, or whatever it is."
        if name in ("self", "cls"):
            todo = "For a method, make the tool of the bound one: as_tool(thing.method)."
        refuse(f"its parameter {name} has no annotation", todo)


def _hint(function: Callable[..., Any], parameter: str, known: Mapping[str, Any], refuse: _Refusal) -> Any:
    raw = function.__annotations__[parameter]
    space = getattr(function, "__globals__", {})
    # One at a time, and never the return annotation: it may name what is imported for type checkers only.
    holder = types.SimpleNamespace(__annotations__={parameter: raw})
    try:
        return get_type_hints(holder, globalns=dict(space), localns=dict(known), include_extras=True)[parameter]
    except Exception as error:
        # `if TYPE_CHECKING: from orchestrator import ToolContext` is good style, and enough to be recognised by.
        named = raw.strip("'\" ").rpartition(".")[2] if isinstance(raw, str) else ""
        if named in ("ToolContext", "SyncToolContext"):
            return ToolContext if named == "ToolContext" else SyncToolContext
        refuse(
            f"the annotation of {parameter} cannot be read: {error}",
            "Use a type that can be imported when the program runs, outside of `if TYPE_CHECKING`.",
            error,
        )


def _is_context(hint: Any) -> bool:
    return any(hint is kind or kind in get_args(hint) for kind in (ToolContext, SyncToolContext))


def _check_context(function: Callable[..., Any], name: str, hint: Any, refuse: _Refusal) -> None:
    on_the_loop = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    sync = hint is SyncToolContext or SyncToolContext in get_args(hint)
    if on_the_loop and sync:
        refuse(
            f"its parameter {name} is a SyncToolContext, which waits, and the function is async", "Write ToolContext."
        )
    if not on_the_loop and not sync:
        refuse(
            f"its parameter {name} is a ToolContext, whose methods are awaited, and the function is not async",
            "Write SyncToolContext, which has the same without await, or make the function async.",
        )


_OUT_OF_BOUNDS: Final = frozenset(
    (
        *("greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"),
        *("string_too_short", "string_too_long", "string_pattern_mismatch", "too_short", "too_long"),
    )
)
"""A default may lie outside of what a model may give, to tell that nothing was given."""


def _check_default(name: str, default: Any, hint: Any, refuse: _Refusal) -> None:
    if default is inspect.Parameter.empty:
        return
    try:
        pydantic.TypeAdapter(hint).validate_python(default)
    except pydantic.ValidationError as error:
        if all(detail["type"] in _OUT_OF_BOUNDS for detail in error.errors()):
            return
        written = getattr(hint, "__name__", None) or str(hint)
        todo = f"Write {name}: {written} | None = None." if default is None else "Mend the default or the annotation."
        refuse(f"the default of {name}, {_shown(default)}, is no {written}", todo, error)


def _mended(arguments: Mapping[str, Any], error: pydantic.ValidationError) -> dict[str, Any]:
    """What weaker models write for what they mean: JSON within a string, one value for a list of one, "null"."""
    mended: dict[str, Any] = {}
    if not isinstance(cast(object, arguments), Mapping):
        return mended
    for detail in error.errors(include_url=False, include_context=False):
        place = detail["loc"]
        name = place[0] if place else None
        if not isinstance(name, str) or name not in arguments:
            continue
        value = arguments[name]
        if isinstance(value, str) and value.strip().lower() in ("null", "none", ""):
            mended[name] = None
        elif isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            with suppress(ValueError):
                mended[name] = json.loads(value)
        elif detail["type"] in ("list_type", "set_type", "tuple_type", "frozen_set_type") and len(place) == 1:
            mended[name] = [value]
    return mended


def _annotated(hint: Any, name: str, description: str) -> Any:
    inner, extras = hint, ()
    if get_origin(hint) is Annotated:
        inner, extras = hint.__origin__, hint.__metadata__
    # In this order: what the author wrote with Field wins over the docstring, and the name over both.
    first = [pydantic.Field(description=description)] if description else []
    return cast(Any, Annotated)[(inner, *first, *extras, pydantic.Field(alias=name))]


def _can_be_told(hint: Any) -> bool:
    try:
        pydantic.TypeAdapter(hint).json_schema(schema_generator=_Schema)
    except (PydanticUserError, TypeError, NameError):
        return False
    return True


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return text.strip(), {}
    parts = [part.strip() for part in (parsed.short_description, parsed.long_description) if part]
    about = {param.arg_name.lstrip("*"): " ".join((param.description or "").split()) for param in parsed.params}
    return "\n\n".join(parts), about


class _Schema(GenerateJsonSchema):
    # The default still holds when it cannot be shown; that is no reason to warn whoever defines the tool.
    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012


def _without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Titles repeat the names, and a model pays for each word. A property that is called title stays."""
    plain: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            plain[key] = {name: _without_titles(item) for name, item in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            plain[key] = _without_titles(cast("dict[str, Any]", value))
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            plain[key] = [_without_titles(item) for item in value]
        elif key != "title":
            plain[key] = value
    return plain


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
