"""`app`: one local page to try the models, review replies and watch the bot."""

import argparse
import getpass
import os
import sys
from typing import Any

from botlib import options, parameters
from botlib.errors import BotlibError
from botlib.parameters import Override, Source
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace

PASSWORD = "BOTLIB_APP_PASSWORD"


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommand to the command line."""
    app = subparsers.add_parser(
        "app",
        help="one local page: try the models, review replies, watch the bot",
        description="Serves the page to this machine only and prints its link. For any other "
        f"--host set a password in {PASSWORD}, or type it when asked.",
    )
    options.add_workspace(app)
    app.add_argument("--live", action="store_true", help="Reddit itself, not the sandbox")
    app.add_argument("--host", default="127.0.0.1", help="this machine's address to listen at")
    app.add_argument("--port", type=int, default=8765, help="default: 8765; 0 takes a free one")
    app.add_argument(
        "--name", action="append", default=[], metavar="HOST",
        help="another host name of the page, such as a proxy's",
    )  # fmt: skip
    app.add_argument("--profile", choices=parameters.profiles(), help="default: laptop")
    app.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="any setting of 05_generate or 06_discriminate_and_post, such as temperature",
    )  # fmt: skip
    app.set_defaults(func=run_app)


def run_app(args: argparse.Namespace) -> int:
    """Serves the page until it is stopped."""
    from botlib.app import server
    from botlib.app.gate import Gate, loopback
    from botlib.app.site import Site

    workspace = Workspace.open(args.workspace)
    generate, post = _settings(args)
    local_only = loopback(args.host)
    gate = Gate(password=_password(local_only), names=args.name)
    site = Site(workspace, "live" if args.live else "sandbox", generate, post)
    http_server = server.serve(server.application(site, gate), args.host, args.port)
    host = f"[{args.host}]" if ":" in args.host else args.host
    print(f"the page: {gate.link(f'http://{host}:{http_server.server_port}')}", flush=True)
    if local_only:
        print("Only this machine reaches it. The link is the key: don't pass it on. Ctrl-C ends.")
    else:
        print(
            f"WARNING: every machine that reaches {args.host} can open the page, and "
            "everybody with the password can approve replies that are posted under your account. "
            "The connection is not encrypted: put a proxy with HTTPS in front, or use it in a "
            "network you trust."
        )
    sys.stdout.flush()
    try:
        http_server.serve_forever(poll_interval=0.05)
    finally:
        http_server.server_close()
        site.close()
    return 0


def _password(local_only: bool) -> str:
    """The password from the environment, or typed: other users can see a command's arguments."""
    if password := os.environ.get(PASSWORD, ""):
        return password
    if local_only:
        return ""
    if not sys.stdin.isatty():
        raise BotlibError(f"a page for other machines needs a password: set {PASSWORD}")
    return getpass.getpass("a password for the page (12 characters or more): ")


def _settings(args: argparse.Namespace) -> tuple[GenerateSettings, PostSettings]:
    from botlib.live import bot_file

    overrides = [Override("-p", key, text) for key, text in args.p]
    notebooks = [GenerateSettings.notebook, PostSettings.notebook]
    parameters.refuse_unknown(notebooks, overrides)
    reddit = "live" if args.live else "sandbox"
    profile = args.profile or ("laptop" if args.live else "offline")
    # The page has the bot's limits
    options_file = bot_file.read(Workspace(args.workspace).bot_file)
    read, post = (
        [
            parameters.profile_source(profile, notebook),
            Source("--workspace", {"drive_root": args.workspace}),
            Source("--live" if args.live else "the lack of --live", {"reddit": reddit}),
            *bot_file.sources(options_file, notebook),
            *parameters.from_command_line(notebook, overrides),
        ]
        for notebook in notebooks
    )
    return parameters.read_and_post(read, post)
