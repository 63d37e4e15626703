"""One PRAW client for the live site and the sandbox, whose replies are never sent twice."""

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import praw
import prawcore
from praw.exceptions import MissingRequiredAttributeException

import botlib
from botlib import credentials
from botlib.errors import BotlibError
from botlib.live.reddit.json_shapes import mend
from botlib.live.reddit.requestor import LOCAL, TIMEOUT, OnceRequestor, make_stoppable
from botlib.live.stopping import Stop
from botlib.workspace import Workspace

if TYPE_CHECKING:
    from botlib.sandbox.server import Sandbox

SITES = ("live", "archive", "sandbox")
REQUEST_FORM = "https://support.reddithelp.com/hc/en-us/requests/new?ticket_form_id=14868593862164"
LIVE = {"oauth_url": "https://oauth.reddit.com", "reddit_url": "https://www.reddit.com"}


class NoKey(BotlibError):
    """There is no key for Reddit's API."""


class Unreachable(BotlibError):
    """Reddit can't be reached or fails at the moment: it is worth trying again."""


class LoginRefused(BotlibError):
    """Reddit knows neither this application nor this account."""


class Client(praw.Reddit):
    """PRAW's Reddit, which also knows its site and counts its requests.

    Attributes:
      sandbox: the local site, if it is one.
      owns_sandbox: whether `connect` started it, and `close` stops it.
      name: the account's name; None without a password.
      stop: ends every wait of this client; its switch is the workspace's.
      things_dropped: how many things in Reddit's answers had an unknown kind or no id.
      from_archive: it reads the public archive: scores come late, and nothing can be sent.
    """

    sandbox: "Sandbox | None" = None
    owns_sandbox: bool = False
    name: str | None = None
    stop: Stop = Stop()
    things_dropped: int = 0
    from_archive: bool = False

    def request(self, **kwargs: Any) -> Any:
        """Asks Reddit; removes things that PRAW can't read from the answer, and counts them."""
        answer, dropped = mend(super().request(**kwargs))
        self.things_dropped += dropped
        return answer

    @property
    def site(self) -> str:
        """ "sandbox" if and only if the address is on this machine; else "live"."""
        return "sandbox" if urlsplit(self.config.oauth_url).hostname in LOCAL else "live"

    @property
    def requests_made(self) -> int:
        """HTTP requests so far, those for tokens included."""
        return self._core.requestor.requests_made

    @property
    def requests_left(self) -> int | None:
        """Requests that Reddit still allows in its current window; None if it hasn't said."""
        remaining = self._core.rate_limiter.remaining
        return None if remaining is None else int(remaining)

    @property
    def replies_sent(self) -> int:
        """POST /api/comment so far."""
        return self._core.requestor.replies_sent

    def wait_for_turn(self) -> None:
        """Waits until Reddit's rate limit allows a request that changes something.

        Raises:
          Stopped: the stop switch is on, or the process is to end.
        """
        self.stop.check()
        self._core.rate_limiter.delay()
        self.stop.check()

    def close(self) -> None:
        """Closes the connections, and the sandbox if `connect` started it."""
        self._core.requestor.close()
        if self.owns_sandbox:
            self.sandbox.stop()

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    site: str,
    *,
    workspace: Workspace | None = None,
    subreddits: Any = (),
    sandbox: "Sandbox | None" = None,
    owned: bool = False,
    client_id: str | None = None,
    client_secret: str | None = None,
    username: str | None = None,
    password: str | None = None,
    refresh_token: str | None = None,
    user_agent: str | None = None,
    praw_site: str | None = None,
    timeout: float = TIMEOUT,
    stop: Stop | None = None,
) -> Client:
    """Returns a client connected to Reddit, after asking once which account it has.

    Args:
      site: "live", "archive" to read Reddit without a key through the public archive, or "sandbox"
        for a local made-up Reddit.
      workspace: its stop switch counts; for the sandbox: its state, and the threads that fill it.
      subreddits: for the sandbox: which of them to fill.
      sandbox: a sandbox, instead of one in the workspace.
      owned: whether closing the client stops it.
      client_id: of the application; like the next five, an argument wins over the environment
        (REDDIT_CLIENT_ID …), that over Colab's secrets, and this over praw.ini.
      client_secret: REDDIT_CLIENT_SECRET.
      username: REDDIT_USERNAME.
      password: REDDIT_PASSWORD; without it and without a refresh token the client only reads.
      refresh_token: REDDIT_REFRESH_TOKEN; wins over the password, and works for an account with
        two-factor login too.
      user_agent: REDDIT_USER_AGENT; made from the username by default.
      praw_site: a section of praw.ini.
      timeout: seconds, for each request.
      stop: ends its waits; by default one with the workspace's stop switch.

    Returns:
      A PRAW Reddit with `.site`, `.name` (None when read-only), `.requests_made`, `.sandbox` and
      `.close()`.

    Raises:
      NoKey: there is no key for the live site.
      LoginRefused: Reddit refuses the application or the account.
      Unreachable: Reddit can't be reached now.
      BotlibError: a credential is missing, or no such site.
    """
    if site not in SITES:
        raise BotlibError(f'reddit must be "live", "archive" or "sandbox", not {site!r}')
    stop = stop or Stop(workspace.stop_switch if workspace else None)
    if site == "sandbox":
        return _connect_sandbox(workspace, subreddits, sandbox, owned, timeout, stop)
    if site == "archive":
        return _connect_archive(stop)
    login = {
        "client_id": credentials.get("REDDIT_CLIENT_ID", client_id),
        "client_secret": credentials.get("REDDIT_CLIENT_SECRET", client_secret),
        "username": credentials.get("REDDIT_USERNAME", username),
        "password": credentials.get("REDDIT_PASSWORD", password),
        "refresh_token": credentials.get("REDDIT_REFRESH_TOKEN", refresh_token),
        "user_agent": credentials.get("REDDIT_USER_AGENT", user_agent),
    }
    login["user_agent"] = login["user_agent"] or default_user_agent(login["username"])
    account = {key: value for key, value in login.items() if value}
    if "refresh_token" in account:
        # PRAW prefers a password, even one from praw.ini
        account |= {"username": "", "password": ""}
    return _client(
        account,
        # Always set: a praw.ini in the current folder must not send passwords elsewhere
        LIVE,
        praw_site,
        timeout,
        stop,
    )


def connect_to_read(site: str, workspace: Workspace) -> Client:
    """Returns a connected client that reads a site; without a key the archive's.

    Args:
      site: "live" or "sandbox"; the sandbox is opened as it is, not filled with threads.
      workspace: where the sandbox and the stop switch are.

    Raises:
      BotlibError: Reddit can't be reached, or refuses the account.
    """
    if site == "live":
        try:
            return connect("live", workspace=workspace)
        except NoKey:
            # Threads, scores and removals can be read there too
            return connect("archive", workspace=workspace)
    # Flask is only needed here
    from botlib.sandbox.server import Sandbox

    sandbox = Sandbox(workspace.sandbox)
    return connect("sandbox", workspace=workspace, sandbox=sandbox, owned=True)


_TOKEN_REFUSED = (
    "Reddit refused the refresh token: it was revoked, or belongs to another application; make "
    "another and put it into REDDIT_REFRESH_TOKEN (docs/reddit_key.md)"
)


def default_user_agent(username: str | None) -> str:
    """Returns <platform>:<app id>:<version> (by /u/<name>), the form Reddit asks for."""
    owner = f"by /u/{username}" if username else "read-only"
    return f"{platform.system().lower() or 'python'}:botlib:v{botlib.__version__} ({owner})"


def _connect_sandbox(
    workspace: Workspace | None,
    subreddits: Any,
    sandbox: "Sandbox | None",
    owned: bool,
    timeout: float,
    stop: Stop,
) -> Client:
    if sandbox is None:
        if workspace is None:
            raise BotlibError("the sandbox needs a workspace: pass workspace=")
        # Flask is only needed here
        from botlib.sandbox.server import Sandbox

        names = subreddits.split(",") if isinstance(subreddits, str) else subreddits
        owned = True
        sandbox = Sandbox.from_workspace(workspace, [n.strip() for n in names if n.strip()])
    url = sandbox.start()
    account = sandbox.account
    client = _client(
        {
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "username": account.name,
            "password": account.password,
            "user_agent": default_user_agent(account.name),
        },
        {"oauth_url": url, "reddit_url": url},
        None,
        timeout,
        stop,
    )
    client.sandbox, client.owns_sandbox = sandbox, owned
    return client


def _connect_archive(stop: Stop) -> Client:
    # The archive's client is only needed here
    from botlib.live.reddit.archive import ArchiveRequestor

    # PRAW demands a key and would take an account from praw.ini; neither leaves this process
    account = {"client_id": "none", "client_secret": "none", "user_agent": default_user_agent(None)}
    account |= {"username": "", "password": "", "refresh_token": ""}
    client = _client(account, LIVE, None, TIMEOUT, stop, requestor=ArchiveRequestor)
    client.from_archive = True
    return client


def _client(
    account: Mapping[str, str],
    addresses: Mapping[str, str],
    praw_site: str | None,
    timeout: float,
    stop: Stop | None = None,
    requestor: type[prawcore.Requestor] = OnceRequestor,
) -> Client:
    stop = stop or Stop()
    try:
        client = Client(
            praw_site,
            requestor_class=requestor,
            requestor_kwargs={"timeout": timeout, "stop": stop},
            check_for_updates=False,
            # PRAW itself repeats a rate-limited POST if the wait is at most this; 0 would still
            # allow "0 seconds" and "400 milliseconds"
            ratelimit_seconds=-1,
            **addresses,
            **account,
        )
    except MissingRequiredAttributeException as error:
        missing = next(k for k in ("client_id", "client_secret") if k not in account)
        raise NoKey(
            f"REDDIT_{missing.upper()} is not set: put it into the environment, Colab's secrets or "
            f"praw.ini. Reddit gives keys only on request ({REQUEST_FORM}); without a key set "
            "reddit=archive, which only reads, and post by hand what you approve"
        ) from error
    client.stop = stop
    make_stoppable(client, stop)
    try:
        # Fails early with a clear text, rather than late in a run
        client.name = None if client.read_only else client.user.me().name
    except prawcore.OAuthException:
        # "from None": a chained error would show the request, and so the password
        if client.config.refresh_token:
            raise LoginRefused(_TOKEN_REFUSED) from None
        raise LoginRefused(
            "Reddit refused the account: check REDDIT_USERNAME and REDDIT_PASSWORD, and that the "
            'application is of type "script" and the account has no two-factor login; '
            "with two-factor login, use a refresh token (docs/reddit_key.md)"
        ) from None
    except prawcore.ResponseException as error:
        status = error.response.status_code
        if status == 400 and client.config.refresh_token:
            raise LoginRefused(_TOKEN_REFUSED) from None
        if status in (401, 403):
            raise LoginRefused(
                "Reddit refused the application: check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET, "
                "and that the application was approved"
            ) from None
        raise Unreachable(
            f"Reddit answered the login with HTTP {status}: try again later"
        ) from None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise Unreachable(
            f"Reddit's answer to the login isn't JSON ({type(error).__name__}): try again later"
        ) from None
    except prawcore.RequestException as error:
        kind = type(error.original_exception).__name__
        raise Unreachable(
            f"Reddit can't be reached at {addresses['reddit_url']} ({kind}): check the network"
        ) from None
    return client
