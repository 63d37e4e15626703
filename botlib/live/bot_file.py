"""bot.yaml in the workspace: the options of `bot`, stored for a service."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from botlib import parameters
from botlib.errors import BotlibError
from botlib.parameters import Override, Source, notebook_name
from botlib.settings import NOTEBOOKS, GenerateSettings, PostSettings

NAME = "bot.yaml"
SITES = ("live", "archive", "sandbox")
# Options of `bot` that aren't settings, and the option that has another name than its setting
OPTIONS = ("every", "log", "profile", *SITES)
_OTHER_NAMES = {"allow": "allowed_subreddits"}
_SECRET = re.compile(r"secret|passw|token|webhook|client_id|user_?name|api_?key|credential", re.I)
_NOT_HERE = {
    "reddit": "write live: true, archive: true or sandbox: true instead",
    "date": "the bot doesn't use the notebooks' dated tables; leave it out",
    "drive_root": "the file lies in the workspace; leave it out",
    "workspace": "the file lies in the workspace; leave it out",
}


@dataclasses.dataclass(frozen=True)
class BotFile:
    """The options and settings of a bot.yaml.

    Attributes:
      path: the file; None if there is none.
      options: those of OPTIONS that it sets, by name.
      settings: settings of 05_generate and 06_discriminate_and_post.
    """

    path: Path | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    settings: tuple[Override, ...] = ()

    @property
    def site(self) -> str:
        """The site: "live", "archive", "sandbox", or "" if the file names none."""
        return next((name for name in SITES if self.options.get(name)), "")


def read(path: Path) -> BotFile:
    """Returns the file's content; an empty BotFile if there is no file.

    Raises:
      BotlibError: it can't be read, or holds a secret or an unknown key.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
    except FileNotFoundError:
        return BotFile()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BotlibError(f"{path} can't be read: {reason}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BotlibError(
            f"{path} isn't YAML{_place(error)}: write lines like `every: 10m`"
        ) from None
    if content is None:
        return BotFile(path)
    if not isinstance(content, dict):
        raise BotlibError(
            f"{path} must hold lines like `every: 10m`, not a {type(content).__name__}"
        )
    options, overrides = {}, []
    for key, value in content.items():
        name = _name(path, key)
        value = _plain(path, key, value)
        if name in OPTIONS:
            options[name] = value
        else:
            overrides.append(Override(NAME, name, value))
    for name in SITES:
        if not isinstance(options.get(name, False), bool):
            raise BotlibError(f"{path}: {name} must be true or false")
    if sum(bool(options.get(name)) for name in SITES) > 1:
        raise BotlibError(f"{path}: only one of {', '.join(SITES)} can be true")
    return BotFile(path, options, tuple(overrides))


def sources(file: BotFile, notebook: str) -> list[Source]:
    """Returns the file's settings for a notebook, as `parameters.settle` takes them.

    Raises:
      BotlibError: a value that isn't of the setting's type.
    """
    try:
        return parameters.from_command_line(notebook, file.settings, by="file")
    except BotlibError as error:
        raise BotlibError(f"{file.path}: {error}") from None


def _name(path: Path, key: Any) -> str:
    name = _OTHER_NAMES.get(key, key)
    names = {*OPTIONS, *GenerateSettings.names(), *PostSettings.names()}
    prefix, _, bare_name = str(name).rpartition(".")
    if reason := _NOT_HERE.get(bare_name):
        raise BotlibError(f"{path}: {bare_name}: {reason}")
    if name in names:
        return name
    if prefix and bare_name in NOTEBOOKS[notebook_name(prefix)].names() and bare_name in names:
        return name
    if _SECRET.search(str(key)):
        # Without the value and the line: this error may be logged
        raise BotlibError(
            f"{path}: {key} looks like a secret, and secrets must not lie in this file: put it "
            "into the environment (REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET, REDDIT_USERNAME, "
            "REDDIT_PASSWORD, BOTLIB_WEBHOOK) and remove the line"
        )
    raise BotlibError(
        f"{path}: no option or setting is called {key!r}; `botlib bot --show-config` lists them"
    )


def _plain(path: Path, key: str, value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if not isinstance(value, str | int | float | bool):
        raise BotlibError(
            f"{path}: {key} must be a text, a number, true or false, or a list of texts"
        )
    return value


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but two equal keys are an error: it would silently use the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        names = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise yaml.MarkedYAMLError(problem="a key isn't text", problem_mark=key.start_mark)
            if name in names:
                problem = f"{name} is set twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            names.add(name)
        return super().construct_mapping(node, deep)


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = f", {error.problem}" if getattr(error, "problem", None) else ""
    return f" (line {mark.line + 1}{problem})" if mark else ""
