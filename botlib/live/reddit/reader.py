"""A client that reads, for who only looks: with the key there is, or through the archive."""

from botlib.live.reddit.client import Client, NoKey, connect
from botlib.workspace import Workspace


def reader(site: str, workspace: Workspace) -> Client:
    """Returns a connected client of a site; without a key the archive's.

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
