"""Dataclasses that check their own fields: types, limits, and which values are looser."""

import dataclasses
import typing
from collections.abc import Callable
from typing import Any, ClassVar

from botlib.errors import BotlibError


def setting(default: Any, **metadata: Any) -> Any:
    """Returns a dataclass field with its limits.

    Args:
      default: its value unless it is set.
      metadata: limits (`choices`, `minimum`, `maximum`, `above`, `required`: not empty), and
        `looser`: a function of (value, default) that says whether the value protects people on
        Reddit less than the default. No profile may set such a value for the live site.
    """
    return dataclasses.field(default=default, metadata=metadata)


# The functions that `looser` may name
def higher(value: Any, default: Any) -> bool:
    return value > default


def lower(value: Any, default: Any) -> bool:
    return value < default


def higher_or_none(value: Any, default: Any) -> bool:
    """Returns whether a limit is higher than the default; 0 means no limit."""
    return default > 0 and (value == 0 or value > default)


def different(value: Any, default: Any) -> bool:
    return value != default


class Checked:
    """Base of frozen dataclasses: each field is checked, then all together by `_check`.

    Raises:
      BotlibError: a value of the wrong type or out of its limits; the field is named.
    """

    notebook: ClassVar[str] = ""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value = _checked(field, getattr(self, field.name), hints[field.name], self.notebook)
            object.__setattr__(self, field.name, value)
        self._check()

    def _check(self) -> None:
        """Checks what depends on several fields."""

    def _error(self, text: str) -> BotlibError:
        return BotlibError(f"{self.notebook}: {text}" if self.notebook else text)

    @classmethod
    def names(cls) -> list[str]:
        return [field.name for field in dataclasses.fields(cls)]


def loosened(settings: type[Checked], name: str, value: Any) -> bool:
    """Returns whether a value is looser than the default, as the field declares it."""
    field = _field(settings, name)
    looser: Callable[[Any, Any], bool] | None = field.metadata.get("looser")
    return looser is not None and looser(value, field.default)


def checked(settings: type[Checked], name: str, value: Any) -> Any:
    """Returns one field's value, checked by itself.

    Raises:
      BotlibError: its type or a limit forbids it.
    """
    field_type = typing.get_type_hints(settings)[name]
    return _checked(_field(settings, name), value, field_type, settings.notebook)


def _field(settings: type[Checked], name: str) -> dataclasses.Field:
    return next(field for field in dataclasses.fields(settings) if field.name == name)


def _checked(field: dataclasses.Field, value: Any, field_type: Any, notebook: str) -> Any:
    name = f"{notebook}: {field.name}" if notebook else field.name
    field_type = typing.get_origin(field_type) or field_type
    # bool is an int in Python, but 'steps=True' is a mistake; and "false" is a true string
    fits = (
        isinstance(value, field_type) and not (isinstance(value, bool) and field_type is not bool)
    ) or (field_type is float and isinstance(value, int) and not isinstance(value, bool))
    if not fits:
        raise BotlibError(
            f"{name} must be {type_name(field_type)}, not the {type_name(type(value))} {value!r}"
        )
    limits = field.metadata
    if limits.get("required") and not value.strip(" ,"):
        raise BotlibError(f"{name} is empty: name at least one, such as {field.default!r}")
    if "choices" in limits and value not in limits["choices"]:
        raise BotlibError(f"{name} must be one of {', '.join(limits['choices'])}; not {value!r}")
    if "minimum" in limits and not value >= limits["minimum"]:
        raise BotlibError(f"{name} must be at least {limits['minimum']}, not {value}")
    if "maximum" in limits and not value <= limits["maximum"]:
        raise BotlibError(f"{name} must be at most {limits['maximum']}, not {value}")
    if "above" in limits and not value > limits["above"]:
        raise BotlibError(f"{name} must be above {limits['above']}, not {value}")
    return float(value) if field_type is float else value


def type_name(kind: type) -> str:
    """Returns a type's name in plain words."""
    return _TYPE_NAMES.get(kind, kind.__name__)


_TYPE_NAMES = {
    bool: "boolean (True or False)",
    int: "whole number",
    float: "number",
    str: "text",
    dict: "dictionary",
    tuple: "list of texts",
}
