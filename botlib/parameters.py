"""From a notebook's parameters cell, a profile and papermill to one settings object.

What is changed in the cell wins over the profile; what the cell doesn't show goes in `options`.
"""

import ast
from collections.abc import Mapping
from importlib import resources
from typing import Any, TypeVar

import yaml

from botlib.errors import BotlibError
from botlib.settings import NOTEBOOKS, Settings

# In every parameters cell, beside the settings themselves
PROFILE = "profile"
OPTIONS = "options"

S = TypeVar("S", bound=Settings)


def load(settings: type[S], namespace: Mapping[str, Any]) -> S:
    """Returns a notebook's settings.

    Args:
      settings: the notebook's dataclass.
      namespace: the notebook's `globals()` after its parameters cell: any settings by name,
        `profile` (a name, see `profiles()`) and `options` (a dictionary of further settings).

    Raises:
      BotlibError: an unknown profile or setting, or a value of the wrong type.
    """
    injected = _injected_names(namespace)
    if unknown := injected - set(settings.names()) - {PROFILE, OPTIONS}:
        raise BotlibError(_unknown(settings, sorted(unknown)[0]))
    values = profile_values(namespace.get(PROFILE) or "colab", settings.notebook)
    defaults = {name: getattr(settings(), name) for name in settings.names()}
    for name in settings.names():
        # A value left at its default leaves the choice to the profile
        if name in namespace and (name in injected or not _same(namespace[name], defaults[name])):
            values[name] = namespace[name]
    options = namespace.get(OPTIONS) or {}
    if not isinstance(options, Mapping):
        raise BotlibError(f"{settings.notebook}: options must be a dictionary, not {options!r}")
    return make(settings, {**values, **options})


def make(settings: type[S], values: Mapping[str, Any]) -> S:
    """Returns settings from values by name.

    Raises:
      BotlibError: an unknown name, or a value of the wrong type.
    """
    if unknown := [name for name in values if name not in settings.names()]:
        raise BotlibError(_unknown(settings, unknown[0]))
    return settings(**values)


def profiles() -> list[str]:
    """Returns the profiles' names."""
    folder = resources.files("botlib") / "profiles"
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


def profile_values(name: str, notebook: str) -> dict[str, Any]:
    """Returns what a profile sets for a notebook: settings by name.

    Raises:
      BotlibError: there is no such profile, or it names a notebook or setting that isn't there.
    """
    if name not in profiles():
        raise BotlibError(f"profile must be one of {', '.join(profiles())}; not {name!r}")
    text = (resources.files("botlib") / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    profile = yaml.safe_load(text)
    if unknown := [key for key in profile if key not in NOTEBOOKS]:
        raise BotlibError(f"profile {name}: no notebook is called {unknown[0]!r}")
    values = dict(profile.get(notebook) or {})
    make(NOTEBOOKS[notebook], values)
    return values


def _same(value: Any, default: Any) -> bool:
    # True == 1, but a changed type is a change, and one to be checked
    return type(value) is type(default) and value == default


def _injected_names(namespace: Mapping[str, Any]) -> set[str]:
    """The names papermill's injected cell assigns: it puts that cell after the parameters cell."""
    names: set[str] = set()
    for cell in namespace.get("In") or ():
        if cell.startswith("# Parameters"):
            tree = ast.parse(cell)
            names |= {
                target.id
                for statement in tree.body
                if isinstance(statement, ast.Assign)
                for target in statement.targets
                if isinstance(target, ast.Name)
            }
    return names


def _unknown(settings: type[Settings], name: str) -> str:
    known = ", ".join(sorted([*settings.names(), PROFILE, OPTIONS]))
    return f"{settings.notebook}: no setting is called {name!r}; there are {known}"
