"""The page inside a notebook: in Jupyter and in Colab, for as long as the kernel runs."""

import importlib.util
import threading
from typing import Any

from botlib.app import server
from botlib.app.gate import Gate
from botlib.app.site import Site
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace

# The notebook front ends that may show the page in a frame
# Colab serves a kernel's port under one of the last two names
COLAB = (
    "https://colab.research.google.com",
    "https://*.googleusercontent.com",
    "https://*.prod.colab.dev",
)
# VS Code shows outputs in frames of its own schemes, which no web page can have
JUPYTER = ("http://localhost:*", "http://127.0.0.1:*", "vscode-webview:", "vscode-file:")


def page(workspace: Workspace, site: str, post: PostSettings, *, height: int = 900) -> Any:
    """Returns the page for the output of a notebook's cell.

    Its link works once, in one browser: a saved notebook opens nothing later.

    Args:
      workspace: its outbox and models are shown.
      site: "live" or "sandbox".
      post: the settings of 06.
      height: in pixels.

    Returns:
      An IFrame in Jupyter; None in Colab, which displays its own.
    """
    colab = importlib.util.find_spec("google.colab") is not None
    gate = Gate(frames=COLAB if colab else JUPYTER)
    # The decoder's settings, until a slider changes them
    generate = GenerateSettings(reddit=post.reddit, drive_root=post.drive_root)
    app = server.application(Site(workspace, site, generate, post), gate)
    http_server = server.serve(app, "127.0.0.1", 0)
    threading.Thread(target=http_server.serve_forever, name="page", daemon=True).start()
    port = http_server.server_port
    if colab:
        from google.colab import output

        link = gate.link("")
        output.serve_kernel_port_as_iframe(port, path=link, height=str(height))
        return None
    from IPython.display import IFrame

    return IFrame(gate.link(f"http://127.0.0.1:{port}"), width="100%", height=height)
