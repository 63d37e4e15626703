"""The settings of a bot: from the command line, bot.yaml and a profile, with who set what."""

import argparse
import dataclasses
from collections.abc import Mapping

import pandas as pd

from botlib import credentials, durations, parameters
from botlib.errors import BotlibError
from botlib.live import bot_file
from botlib.live.bot_file import BotFile
from botlib.live.events import STYLES
from botlib.live.notice import VARIABLE as WEBHOOK
from botlib.live.policy import allow_list
from botlib.parameters import Override, Source
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace

NOTEBOOKS = (GenerateSettings.notebook, PostSettings.notebook)


@dataclasses.dataclass(frozen=True)
class BotSettings:
    """All settings of a bot.

    Attributes:
      generate: settings of 05: what it reads and writes.
      post: settings of 06: its standards for a reply, and its limits.
      every: seconds from round to round; None: one round.
      log: one of `events.STYLES`.
      options: by name, (value, who set it).
    """

    generate: GenerateSettings
    post: PostSettings
    every: float | None
    log: str
    options: Mapping[str, tuple[str, str]]

    @property
    def warnings(self) -> list[str]:
        """A line for each setting that is looser on the live site than its default."""
        return [*self.generate.warnings, *self.post.warnings]

    def table(self) -> pd.DataFrame:
        """Returns the options that aren't settings of a notebook: option, value, set by."""
        rows = [(name, value, who) for name, (value, who) in self.options.items()]
        return pd.DataFrame(rows, columns=["option", "value", "set by"])


def settle(args: argparse.Namespace) -> BotSettings:
    """Returns the settings: the command line wins over bot.yaml, and this over the profile.

    Args:
      args: of the command `bot`.

    Raises:
      BotlibError: a wrong value or name, in the file or on the command line.
    """
    workspace = Workspace(args.workspace)
    file = bot_file.read(workspace.bot_file)
    overrides = _typed(args)
    site, site_source = _site(args, file)
    typed_values = [(item.key.rpartition(".")[2], item.text) for item in overrides]
    if ("reddit", "live") in typed_values and site != "live":
        raise BotlibError("-p reddit live: only --live connects to Reddit itself; add it")
    command_values = {
        # A bot is started to post approved replies
        "dry_run": False,
        # A profile may approve replies, for unattended notebooks; for a bot a person does
        "approve": "person",
    }
    if site == "archive":
        command_values["dry_run"] = True
    # Reddit needs the laptop profile's limits; the sandbox doesn't
    default_profile = "offline" if site == "sandbox" else "laptop"
    profile, profile_set_by = _option("profile", args.profile, file, default_profile)
    log, log_set_by = _option("log", args.log, file, STYLES[0])
    if log not in STYLES:
        raise BotlibError(f"{file.path}: log must be one of {', '.join(STYLES)}; not {log!r}")
    every, every_set_by = _every(args, file)
    read, post = (
        [
            parameters.profile_source(profile, name),
            Source(args.workspace_set_by, {"drive_root": args.workspace}),
            site_source,
            *bot_file.sources(file, name),
            *parameters.from_command_line(name, overrides),
        ]
        for name in NOTEBOOKS
    )
    post.append(Source("bot --live" if site == "live" else "bot", command_values, by="command"))
    generate, posting = parameters.read_and_post(read, post)
    for names in (generate.subreddits, posting.allowed_subreddits):
        allow_list(names)
    webhook = credentials.get(WEBHOOK)
    options = {
        "workspace": (str(workspace.root), args.workspace_set_by),
        "bot.yaml": ("read" if file.path else "none", str(workspace.bot_file)),
        "every": (durations.in_words(every) if every else "once", every_set_by),
        "profile": (profile, profile_set_by),
        "log": (log, log_set_by),
        # Never shown: anybody with the address can write there
        "webhook": ("set" if webhook else "off", WEBHOOK),
    }
    return BotSettings(generate, posting, every, log, options)


def _typed(args: argparse.Namespace) -> list[Override]:
    overrides = [Override("-p", key, text) for key, text in args.p]
    parameters.refuse_unknown(NOTEBOOKS, overrides)
    if any(override.key.rpartition(".")[2] == "date" for override in overrides):
        raise BotlibError("-p date: the bot doesn't use the notebooks' dated tables; leave it out")
    if args.dry_run:
        overrides.append(Override("--dry-run", "dry_run", "true"))
    return overrides + [
        Override(option, name, text)
        for option, name, text in (
            ("--subreddits", "subreddits", args.subreddits),
            ("--allow", "allowed_subreddits", args.allow),
        )
        if text is not None
    ]


def _site(args: argparse.Namespace, file: BotFile) -> tuple[str, Source]:
    for name in bot_file.SITES:
        if getattr(args, name):
            return name, Source(f"--{name}", {"reddit": name})
    if file.site:
        return file.site, Source(bot_file.NAME, {"reddit": file.site})
    return "sandbox", Source("the lack of --live", {"reddit": "sandbox"})


def _option(name: str, typed: str | None, file: BotFile, default: str) -> tuple[str, str]:
    if typed is not None:
        return typed, f"--{name}"
    if name in file.options:
        return str(file.options[name]), bot_file.NAME
    return default, "default"


def _every(args: argparse.Namespace, file: BotFile) -> tuple[float | None, str]:
    if args.once:
        return None, "--once"
    text, set_by = _option("every", args.every, file, "")
    where = f"{file.path}: every" if set_by == bot_file.NAME else set_by
    return (durations.seconds(text, where) if text else None), set_by
