"""The one way to settings: from a profile, a parameters cell, bot.yaml and the command line.

Notebooks, `run` and `bot` all end in `settle`. A profile fills what nobody set; what a person set
is never replaced, and two values that disagree are an error. `set_by` says who set what.
"""

import ast
import dataclasses
import typing
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, TypeVar

import pandas as pd
import yaml

from botlib.errors import BotlibError
from botlib.fields import checked, loosened, type_name
from botlib.settings import NOTEBOOKS, GenerateSettings, PostSettings, Settings

# In every parameters cell, beside the settings themselves
PROFILE = "profile"
OPTIONS = "options"

S = TypeVar("S", bound=Settings)


@dataclasses.dataclass(frozen=True)
class Source:
    """Values by name, and where they come from.

    Attributes:
      who: as a person reads it, such as "profile demo", "cell" or "--allow".
      values: settings by name, of their types.
      by: "profile", "command" (a choice of the command itself), "file" (the workspace's bot.yaml)
        or "person" (set for this run).
    """

    who: str
    values: Mapping[str, Any]
    by: str = "person"


@dataclasses.dataclass(frozen=True)
class Override:
    """A setting from the command line or bot.yaml, not parsed yet.

    Attributes:
      who: the option or the file, such as "--allow".
      key: NAME or NOTEBOOK.NAME.
      text: its value as typed.
    """

    who: str
    key: str
    text: Any


def settle(settings: type[S], *sources: Source) -> S:
    """Returns settings made from all sources, with `set_by` and `warnings`.

    A command's values replace a profile's, a file's replace both, and a person's replace all. On
    the live site a profile's value that is looser than the default (see `botlib/fields.py`) is not
    used.

    Raises:
      BotlibError: an unknown name, a wrong value, or two values that people, or files, set
        differently.
    """
    chosen: dict[str, tuple[Any, Source]] = {}
    replaced: dict[str, Any] = {}
    for source in sorted(sources, key=lambda source: _RANKS.index(source.by)):
        for name, raw_value in source.values.items():
            if name not in settings.names():
                raise BotlibError(_unknown(settings, name))
            value = checked(settings, name, raw_value)
            if name in chosen:
                replaced[name], previous = chosen[name]
                if previous.by == source.by in DELIBERATE and replaced[name] != value:
                    raise BotlibError(
                        f"{settings.notebook}: {name} is {replaced[name]!r} by {previous.who} and "
                        f"{value!r} by {source.who}: leave one of them out"
                    )
            chosen[name] = (value, source)
    warnings = _guard_live_site(settings, chosen)
    result = settings(**{name: value for name, (value, _) in chosen.items()})
    default = settings()
    set_by = {
        name: source.who
        for name, (value, source) in chosen.items()
        if value != getattr(default, name) or value != replaced.get(name, value)
    }
    object.__setattr__(result, "set_by", set_by)
    object.__setattr__(result, "warnings", warnings)
    return result


_RANKS = ("profile", "command", "file", "person")
# Set by somebody who knows this workspace
DELIBERATE = ("file", "person")


def _guard_live_site(
    settings: type[Settings], chosen: dict[str, tuple[Any, Source]]
) -> tuple[str, ...]:
    """Removes a profile's looser values; returns a line for each, and for each value that stays.

    A profile is written for many machines; a looser value on Reddit must be somebody's decision.
    """
    default = settings()
    site = chosen["reddit"][0] if "reddit" in chosen else getattr(default, "reddit", "")
    lines = []
    for name, (value, source) in list(chosen.items()):
        if site in ("", "sandbox") or not loosened(settings, name, value):
            continue
        default_value = getattr(default, name)
        if source.by == "profile":
            del chosen[name]
            lines.append(
                f"{name}={value!r} of {source.who} does not count on the live site, "
                f"{default_value!r} does: set {name} yourself if you mean it"
            )
        else:
            lines.append(
                f"{name}={value!r}, set by {source.who}, is looser on the live site than "
                f"{default_value!r}"
            )
    return tuple(lines)


def load(settings: type[S], namespace: Mapping[str, Any]) -> S:
    """Returns a notebook's settings.

    A value in the parameters cell is used as it is; an empty text or None leaves the setting to
    the profile.

    Args:
      settings: the notebook's dataclass.
      namespace: the notebook's `globals()` after its parameters cell: any settings by name,
        `profile` (a name, see `profiles()`) and `options` (a dictionary of further settings).

    Raises:
      BotlibError: an unknown profile or setting, a wrong value, or a setting with one value in the
        cell and another in `options`.
    """
    injected = _injected_names(namespace)
    if unknown := injected - set(settings.names()) - {PROFILE, OPTIONS}:
        raise BotlibError(_unknown(settings, sorted(unknown)[0]))
    options = namespace.get(OPTIONS) or {}
    if not isinstance(options, Mapping):
        raise BotlibError(f"{settings.notebook}: options must be a dictionary, not {options!r}")
    values = {k: namespace[k] for k in settings.names() if namespace.get(k) is not None}
    cell_values = {k: v for k, v in values.items() if k not in injected and v != ""}
    return settle(
        settings,
        profile_source(namespace.get(PROFILE, "colab"), settings.notebook),
        Source("cell", cell_values),
        # From papermill an empty text is a value: its caller can leave a parameter out
        Source("papermill", {k: v for k, v in values.items() if k in injected}),
        Source("papermill" if OPTIONS in injected else "options", options),
    )


def of_profile(settings: type[S], profile: str, **changes: Any) -> S:
    """Returns a profile's settings with some changes, for scripts and tests."""
    source = profile_source(profile, settings.notebook)
    return settle(settings, source, Source("changes", changes))


def from_command_line(
    notebook: str, overrides: Iterable[Override], by: str = "person"
) -> list[Source]:
    """Returns the settings of one notebook; NOTEBOOK.NAME wins over NAME.

    Args:
      notebook: its name.
      overrides: from the command line or a file.
      by: see `Source`.

    Raises:
      BotlibError: a text that isn't of the setting's type.
    """
    settings = NOTEBOOKS[notebook]
    for_any_notebook, for_this_notebook = [], []
    for override in overrides:
        prefix, _, name = override.key.rpartition(".")
        if name in settings.names() and (not prefix or notebook_name(prefix) == notebook):
            value = _parsed(settings, name, override.text)
            (for_this_notebook if prefix else for_any_notebook).append(
                Source(override.who, {name: value}, by)
            )
    own_names = {name for source in for_this_notebook for name in source.values}
    return [
        *(source for source in for_any_notebook if own_names.isdisjoint(source.values)),
        *for_this_notebook,
    ]


def refuse_unknown(notebooks: Sequence[str], overrides: Iterable[Override]) -> None:
    """Raises a BotlibError for a setting that none of the notebooks has."""
    for override in overrides:
        prefix, _, name = override.key.rpartition(".")
        candidates = [notebook_name(prefix)] if prefix else list(notebooks)
        names = sorted({n for c in candidates if c in notebooks for n in NOTEBOOKS[c].names()})
        if name not in names:
            where = candidates[0] if len(candidates) == 1 else "any notebook"
            choices = ", ".join(names) or f"only settings of {', '.join(notebooks)}"
            raise BotlibError(f"no setting of {where} is called {name!r}; there are {choices}")


def _parsed(settings: type[Settings], name: str, text: Any) -> Any:
    """The value of a typed text; booleans are `true` or `false`, nothing else."""
    kind = typing.get_type_hints(settings)[name]
    if not isinstance(text, str) or kind is str:
        return text
    try:
        return {"true": True, "false": False}[text] if kind is bool else kind(text)
    except (KeyError, ValueError):
        expected = "true or false" if kind is bool else type_name(kind)
        raise BotlibError(
            f"{settings.notebook}: {name} must be {expected}, not the text {text!r}"
        ) from None


def read_and_post(
    read: Sequence[Source], post: Sequence[Source]
) -> tuple[GenerateSettings, PostSettings]:
    """Returns the settings of 05 and 06; the sandbox allows the subreddits that are read.

    On the live site a person names the subreddits to post to. The sandbox disturbs nobody: there,
    unless a person named them, they are the subreddits that a person set to be read, else the
    profile's allow-list, else all that are read.

    Args:
      read: sources for 05_generate.
      post: sources for 06_discriminate_and_post.
    """
    reading, posting = settle(GenerateSettings, *read), settle(PostSettings, *post)
    reading_is_chosen = any(
        source.by in DELIBERATE and "subreddits" in source.values for source in read
    )
    allow_list_is_set = any(
        source.by in DELIBERATE and "allowed_subreddits" in source.values for source in post
    )
    if (
        posting.reddit == "sandbox"
        and not allow_list_is_set
        and (reading_is_chosen or not posting.allowed_subreddits)
    ):
        allowed = {"allowed_subreddits": reading.subreddits}
        posting = settle(PostSettings, *post, Source("the sandbox", allowed, by="command"))
    return reading, posting


def table(settings: Settings, everything: bool = False) -> pd.DataFrame:
    """Returns a row for each setting that differs from its default or overrules a profile.

    Args:
      settings: made by `settle`.
      everything: also the settings left at their defaults.

    Returns:
      Columns setting, value, set by.
    """
    names = (
        settings.names() if everything else [n for n in settings.names() if n in settings.set_by]
    )
    rows = [
        (name, str(getattr(settings, name)) or '""', settings.set_by.get(name, "default"))
        for name in names
    ]
    return pd.DataFrame(rows, columns=["setting", "value", "set by"])


def notebook_name(text: str) -> str:
    """Returns the notebook whose number or name starts with `text`.

    Raises:
      BotlibError: none or several do.
    """
    matches = [name for name in NOTEBOOKS if name.startswith(text)] if text else []
    if len(matches) != 1:
        raise BotlibError(f"no notebook is called {text!r}; there are {', '.join(NOTEBOOKS)}")
    return matches[0]


def profiles() -> list[str]:
    """Returns the profiles' names."""
    folder = resources.files("botlib") / "profiles"
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


def profile_source(name: str, notebook: str) -> Source:
    """Returns what a profile sets for a notebook.

    Raises:
      BotlibError: there is no such profile, or it names a notebook or setting that doesn't exist.
    """
    if name not in profiles():
        raise BotlibError(f"profile must be one of {', '.join(profiles())}; not {name!r}")
    text = (resources.files("botlib") / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    profile = yaml.safe_load(text)
    if unknown := [key for key in profile if key not in NOTEBOOKS]:
        raise BotlibError(f"profile {name}: no notebook is called {unknown[0]!r}")
    return Source(f"profile {name}", profile.get(notebook) or {}, by="profile")


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
    names = ", ".join(sorted([*settings.names(), PROFILE, OPTIONS]))
    return f"{settings.notebook}: no setting is called {name!r}; there are {names}"
