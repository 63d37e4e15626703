"""What the report takes from executed notebooks: each figure with its sentence, and the rest."""

import base64
import dataclasses
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botlib.evaluation.figures import sortable
from botlib.runs.page import text

# A table longer than this is cut in the report; the executed copy has all of it
ROWS = 100
COLOURS = 96
_BADGE = re.compile(r"\[!\[[^]]*\]\(http[^)]*\)\]\([^)]*\)")
_BAR = re.compile(r"\d+%\|.*\||\d+\w* \[\d\d:\d\d, ")


@dataclasses.dataclass(frozen=True)
class Shown:
    """A figure of a notebook: PNG (base64), size in pixels, alternative text, sentence."""

    name: str
    png: str
    size: tuple[int, int]
    alt: str
    sentence: str


@dataclasses.dataclass(frozen=True)
class Copy:
    """An executed notebook: its title, its figures, and the rest of it as HTML."""

    title: str
    figures: tuple[Shown, ...]
    body: str


def read(path: Path) -> Copy:
    """Returns an executed copy's figures and the rest, without code, badges and progress bars."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    title = _title(notebook.cells) or path.stem
    figures: list[Shown] = []
    by_image: dict[str, Shown] = {}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            # The badge's picture would be fetched from elsewhere
            cell.source = _BADGE.sub("", cell.source)
        outputs = []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                shown = by_image.get(data["image/png"])
                if shown is None:
                    shown = _figure(
                        notebook.cells, index, output, f"{path.stem}-{len(by_image) + 1}"
                    )
                    by_image[data["image/png"]] = shown
                    figures.append(shown)
                outputs.append(_pointer(shown))
                continue
            # The widgets' own state needs scripts from elsewhere: their text is shown instead
            data.pop("application/vnd.jupyter.widget-view+json", None)
            if "text/html" in data:
                data["text/html"] = sortable.shortened(data["text/html"], ROWS)
            if output.get("output_type") == "stream":
                output["text"] = _without_bars(output["text"])
                if not output["text"].strip():
                    continue
            outputs.append(output)
        if "outputs" in cell:
            cell["outputs"] = outputs
    notebook.metadata.pop("widgets", None)
    return Copy(title, tuple(figures), _html(notebook))


def _html(notebook: Any) -> str:
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="basic", exclude_input=True)
    body, _ = exporter.from_notebook_node(notebook)
    return body


def _title(cells: Sequence[Any]) -> str:
    heads = (c.source.splitlines()[0] for c in cells if c.cell_type == "markdown" and c.source)
    return next((head.lstrip("# ") for head in heads if head.startswith("# ")), "")


def _figure(cells: Sequence[Any], index: int, output: Any, name: str) -> Shown:
    sentence = next(_sentences(cells, index), "")
    alt = output["data"].get("text/plain", "")
    if not alt or alt.startswith("<"):
        alt = sentence or _heading(cells, index)
    png, size = smaller(output["data"]["image/png"])
    # What is said just before a figure explains it, where its numbers get no sentence
    lead = _heading(cells, index) if cells[index - 1].cell_type == "markdown" else ""
    return Shown(name, png, size, alt, sentence or lead.rstrip(":") or alt)


def _sentences(cells: Sequence[Any], index: int) -> Iterator[str]:
    """Yields what the figure's cell printed, then what the next one without a figure did."""
    for cell in cells[index : index + 2]:
        if cell.cell_type != "code":
            return
        outputs = cell.get("outputs", [])
        if cell is not cells[index] and any("image/png" in o.get("data", {}) for o in outputs):
            return
        printed = [o["text"] for o in outputs if o.get("output_type") == "stream"]
        lines = _without_bars("\n".join(printed)).splitlines()
        if line := next((line.strip() for line in lines if line.strip().endswith(".")), ""):
            yield line


def _heading(cells: Sequence[Any], index: int) -> str:
    """Returns the last paragraph before a cell that isn't code."""
    for cell in reversed(cells[:index]):
        if cell.cell_type == "markdown" and cell.source.strip():
            return cell.source.strip().split("\n\n")[-1].lstrip("# ").replace("`", "")
    return ""


def _without_bars(printed: str) -> str:
    lines = [line for line in printed.splitlines() if not _BAR.search(line)]
    return "\n".join(lines).strip("\n")


def _pointer(shown: Shown) -> Any:
    from nbformat.v4 import new_output

    link = f'<a href="#{shown.name}">↑ figure above: {text(_first_words(shown.alt))}</a>'
    return new_output("display_data", {"text/html": link})


def _first_words(alt: str) -> str:
    return alt if len(alt) <= 80 else alt[:80].rsplit(" ", 1)[0] + " …"


def smaller(png: str) -> tuple[str, tuple[int, int]]:
    """Returns a PNG (base64) with a palette, a third of its size, and its width and height."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(png))) as image, io.BytesIO() as file:
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
        flat.quantize(COLOURS).save(file, "PNG", optimize=True)
        reduced = base64.b64encode(file.getvalue()).decode()
        return (reduced if len(reduced) < len(png) else png), image.size
