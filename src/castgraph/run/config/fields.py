"""What the sections of the configuration are made of: kinds of values, and how each is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

TOGETHER = "together"
"""The type of the error that lists what does not go together in a section."""


class Section(BaseModel):
    """A section of the configuration.

    Values are taken as they are: no text for a number, no number for true or false, nothing infinite. A
    field's description is the text of its row in ``config/README.md``; its first sentence is its comment in
    ``config/config.yaml``.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, serialize_by_alias=True
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what does not go together: a key of the section and what is wrong with it."""
        return iter(())

    @model_validator(mode="after")
    def _goes_together(self) -> Section:
        if found := list(self.problems()):
            raise PydanticCustomError(TOGETHER, "does not go together", {"problems": found})
        return self


@dataclass(frozen=True)
class Allowed:
    """What a value has to be beyond its type.

    Attributes
    ----------
    words
        What is allowed, for messages and documents.
    check
        Whether a value is; a ValueError means that it is not.
    rule
        The same for JSON Schema, as far as that can say it.
    """

    words: str
    check: Callable[[Any], object]
    rule: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def checked(value: Any) -> Any:
            if not self.check(value):
                raise ValueError(self.words)
            return value

        return core_schema.no_info_after_validator_function(checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"allowed": self.words, **self.rule}


def matching(pattern: str, words: str) -> Allowed:
    """Allow text that matches a pattern as a whole, up to its last character, a newline included."""
    rule = {"pattern": f"^(?:{pattern})$", "patternErrorMessage": f"allowed: {words}"}
    return Allowed(words, re.compile(pattern).fullmatch, rule)


class _OneOrMore:
    """Take a single value for a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_as_list, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) else value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Item = TypeVar("Item")

ONCE = Allowed("none twice", lambda values: len(set(values)) == len(values), {"uniqueItems": True})

Several = Annotated[list[Item], Field(min_length=1), _OneOrMore()]
"""A list that is not empty; a single value is taken for one of one."""

Distinct = Annotated[list[Item], Field(min_length=1), ONCE, _OneOrMore()]
"""The same with no value twice."""

WHOLE = BeforeValidator(_whole)
"""The number 5.0 is a whole one, too."""

_SECONDS = r"\d+(?:\.\d+)?s"


class _Seconds:
    """Take a number of seconds, also as text that ends in s."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def number(value: Any) -> Any:
            is_text = isinstance(value, str) and re.fullmatch(_SECONDS, value)
            return float(value[:-1]) if is_text else value

        return core_schema.no_info_before_validator_function(number, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        text = {"type": "string", "pattern": f"^{_SECONDS}$", "allowed": "such a number and s, as '8s'"}
        return {"anyOf": [handler(schema), text]}


SECONDS = _Seconds()
"""The text 8s is the number 8, too."""

DECIMALS = Allowed("at most 10 decimals", lambda value: float(f"{value:.10f}") == value)
"""Folders are named after such a number with so many decimals, and the name has to tell it."""

Path = Annotated[str, matching(r"[^\x00-\x1f]+", "a path")]


def _no_default(rule: dict[str, Any]) -> None:
    del rule["default"]


def absent(**told: Any) -> Any:
    """Describe a key that has no default: it is there only where it is given."""
    return Field(
        default=None,
        exclude_if=lambda value: value is None,
        json_schema_extra=_no_default,
        **told,
    )
