"""The page inside a notebook: in Jupyter and in Colab, for as long as the kernel runs."""

import importlib.util
import threading
from typing import Any

from botlib.app import server
from botlib.app.gate import Gate
from botlib.app.site import Site
from botlib.settings import GenerateSettings, PostSettings
from botlib.workspace import Workspace

# Who may show the page in a frame: the notebook's own front ends
COLAB = ("https://colab.research.google.com", "https://*.googleusercontent.com")
JUPYTER = ("http://localhost:*", "http://127.0.0.1:*")


def page(workspace: Workspace, site: str, post: PostSettings, *, height: int = 900) -> Any:
    """Returns the page as something that a notebook's cell displays.

    The link in the output lets in one browser once: a saved notebook opens nothing later.

    Args:
      workspace: whose outbox and models it shows.
      site: "live" or "sandbox".
      post: the settings of 06.
      height: in pixels.

    Returns:
      An IFrame in Jupyter; None in Colab, which displays its own.
    """
    colab = importlib.util.find_spec("google.colab") is not None
    gate = Gate(frames=COLAB if colab else JUPYTER)
    # How replies are written unless a slider says otherwise
    generate = GenerateSettings(reddit=post.reddit, drive_root=post.drive_root)
    app = server.application(Site(workspace, site, generate, post), gate)
    running = server.serve(app, "127.0.0.1", 0)
    threading.Thread(target=running.serve_forever, name="page", daemon=True).start()
    port = running.server_port
    if colab:
        from google.colab import output

        link = gate.link("")
        output.serve_kernel_port_as_iframe(port, path=link, height=str(height))
        return None
    from IPython.display import IFrame

    return IFrame(gate.link(f"http://127.0.0.1:{port}"), width="100%", height=height)
