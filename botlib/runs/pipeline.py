"""Runs the six notebooks with papermill: shows progress, skips finished work, explains failures."""

import contextlib
import dataclasses
import hashlib
import json
import os
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from botlib import parameters
from botlib.errors import BotlibError
from botlib.manifests import hash_path
from botlib.parameters import Override, Source
from botlib.settings import NOTEBOOKS, DataSettings, GenerateSettings, PostSettings, Settings
from botlib.workspace import Workspace, atomic_file

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
NOTEBOOK_FOLDER = PACKAGE_FOLDER.parent / "notebooks"


@dataclasses.dataclass(frozen=True)
class Step:
    """A notebook as a node of the graph of files.

    Attributes:
      inputs: the files and folders it reads; if one changes, the notebook must run again.
      outputs: the files and folders it writes.
      repeatable: False where it reads Reddit, which changes by itself: it always runs.
    """

    inputs: Callable[[Workspace, Any], list[Path]]
    outputs: Callable[[Workspace, Any], list[Path]]
    repeatable: bool = True


def _pair_tables(workspace: Workspace, _: Any) -> list[Path]:
    w = workspace
    return [w.conversations, w.gpt2_finetune, w.gpt2_generate, w.bert_gan_real]


STEPS: dict[str, Step] = {
    "01_data": Step(lambda w, s: [], _pair_tables),
    "02_gpt2_finetune": Step(_pair_tables, lambda w, s: [w.gpt2(s.run_name)]),
    "03_bert_realism": Step(
        lambda w, s: [w.conversations, w.gpt2_generate, w.bert_gan_real, w.gpt2(s.gpt2_run)],
        lambda w, s: [w.bert_realism, w.bert_fit],
    ),
    "04_bert_upvotes": Step(
        lambda w, s: [w.bert_gan_real],
        lambda w, s: [w.bert_upvotes, w.bert_rank, w.context],
    ),
    "05_generate": Step(
        lambda w, s: [w.gpt2(s.gpt2_run)],
        lambda w, s: [],
        repeatable=False,
    ),
    "06_discriminate_and_post": Step(
        lambda w, s: [w.bert_realism, w.bert_upvotes], lambda w, s: [], repeatable=False
    ),
}


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of a notebook: "done", "skipped" or "failed", and its executed copy."""

    notebook: str
    state: str
    executed: Path | None
    seconds: float = 0.0
    message: str = ""


def run(
    workspace: Workspace,
    *,
    profile: str = "colab",
    overrides: Mapping[str, Any] | Iterable[Override] = (),
    first: str = "01",
    last: str = "06",
    force: bool = False,
    say: Callable[[str], None] = print,
) -> tuple[Path, list[Result]]:
    """Returns the run's folder and results, after running the notebooks from `first` to `last`.

    Args:
      workspace: where tables and models live; `runs/{time}/` gets the executed copies.
      profile: see `parameters.profiles()`.
      overrides: settings as texts, by name or by notebook.name; each goes to every notebook
        that has it; the command line says which option set it.
      first: the first notebook, by its number or name.
      last: the last one.
      force: also run notebooks that are up to date.
      say: prints a line.

    Returns:
      The run's folder and a result for each notebook; the last may have failed.

    Raises:
      BotlibError: a notebook or setting is unknown, or a value has the wrong type.
    """
    chosen = _between(first, last)
    if isinstance(overrides, Mapping):
        overrides = [Override("-p", key, text) for key, text in overrides.items()]
    overrides = list(overrides)
    parameters.refuse_unknown(list(NOTEBOOKS), overrides)
    settings = _settle(workspace, profile, overrides)
    for name in chosen:
        for line in settings[name].warnings:
            say(f"{name}: {line}")
    folder = workspace.runs / datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for position, name in enumerate(chosen, start=1):
        fingerprint = _fingerprint(workspace, settings[name])
        changes = _changes(workspace, settings[name], fingerprint)
        if not force and STEPS[name].repeatable and not changes:
            say(f"[{position}/{len(chosen)}] {name}: up to date, skipped")
            executed = _last_copy(workspace, name)
            results.append(Result(name, "skipped", executed))
            continue
        why = f" ({', '.join(changes)})" if STEPS[name].repeatable and changes else ""
        say(f"[{position}/{len(chosen)}] {name}{why}")
        # What the profile sets the notebook finds there; so its table says who set what
        set_here = [n for n, who in settings[name].set_by.items() if who != f"profile {profile}"]
        values = {n: getattr(settings[name], n) for n in set_here}
        result = execute(name, folder / f"{name}.ipynb", {"profile": profile, **values})
        results.append(result)
        if result.state == "failed":
            say(result.message)
            break
        # Inputs are hashed before the run, so that a change meanwhile shows as one
        _remember(workspace, name, {"parts": fingerprint, "executed": str(result.executed)})
    return folder, results


def execute(name: str, target: Path, values: Mapping[str, Any]) -> Result:
    """Returns the result of one notebook; keeps its executed copy, failed or not.

    Args:
      name: the notebook's name without `.ipynb`.
      target: the executed copy.
      values: settings, `profile` and `drive_root`; those that the parameters cell lacks are
        passed in `options`.

    Raises:
      BotlibError: there is no such notebook.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source = NOTEBOOK_FOLDER / f"{name}.ipynb"
    if not source.is_file():
        raise BotlibError(f"{source} is missing: clone botlib's repository and run this there")
    shown = set(papermill.inspect_notebook(str(source)))
    cell = {key: value for key, value in values.items() if key in shown}
    if hidden := {key: value for key, value in values.items() if key not in shown}:
        cell[parameters.OPTIONS] = hidden
    started = datetime.now()
    failure = ""
    try:
        with _kernel_environment(), target.with_suffix(".log").open("wb") as log:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=cell,
                progress_bar={"desc": name, "unit": "cell"},
                kernel_manager_class=_logged_to(log),
                # A progress bar's hundred states would make a hundred lines of the executed copy
                coalesce_streams=True,
            )
    except PapermillExecutionError as error:
        line = next((line for line in error.source.splitlines() if line.strip()), "")
        failure = (
            f"{name} failed in cell {error.cell_index + 1} ({line.strip()}): "
            f"{error.ename}: {error.evalue} — executed copy: {target}"
        )
    seconds = (datetime.now() - started).total_seconds()
    return Result(name, "failed" if failure else "done", target, seconds, failure)


def _logged_to(log: IO[bytes]) -> type:
    """Returns a kernel manager whose kernels write their stderr to a log, not into the bar."""
    from jupyter_client import AsyncKernelManager

    class LoggedKernelManager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:
            await super().start_kernel(stderr=log, **options)

    return LoggedKernelManager


@contextlib.contextmanager
def _kernel_environment() -> typing.Iterator[None]:
    """Sets what each kernel inherits: quiet TensorFlow, and legacy Keras, which TF Hub needs."""
    variables = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_USE_LEGACY_KERAS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "BOTLIB_BATCH": "1",  # nobody is there to move a slider
    }
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _between(first: str, last: str) -> list[str]:
    names = list(NOTEBOOKS)
    start, end = (names.index(parameters.notebook_name(text)) for text in (first, last))
    if start > end:
        raise BotlibError(f"--from {first} comes after --to {last}: swap them")
    return names[start : end + 1]


def _settle(workspace: Workspace, profile: str, overrides: list[Override]) -> dict[str, Settings]:
    """Returns the settings of all notebooks, by name; 06 takes some from 05."""
    sources = {
        name: [
            parameters.profile_source(profile, name),
            Source("--workspace", {"drive_root": str(workspace.root)}),
            *parameters.from_command_line(name, overrides),
        ]
        for name in NOTEBOOKS
    }
    settings = {name: parameters.settle(NOTEBOOKS[name], *given) for name, given in sources.items()}
    read, post = GenerateSettings.notebook, PostSettings.notebook
    settings[read], settings[post] = parameters.read_and_post(sources[read], sources[post])
    return settings


def _fingerprint(workspace: Workspace, settings: Settings) -> dict[str, str]:
    """Returns hashes of what determines a result: the notebook, botlib's code, settings, inputs."""
    step = STEPS[settings.notebook]
    inputs = {path.name: hash_path(path) for path in step.inputs(workspace, settings)}
    if isinstance(settings, DataSettings) and settings.dumps:
        inputs["dumps"] = _dump_stamps(settings.dumps)
    parts = {
        "settings": settings.as_dict(),
        "inputs": inputs,
        "notebook": _code_hash(NOTEBOOK_FOLDER / f"{settings.notebook}.ipynb"),
        "code of botlib": _package_hash(),
    }
    return {
        name: hashlib.sha256(json.dumps(part, sort_keys=True, default=str).encode()).hexdigest()
        for name, part in parts.items()
    }


def _package_hash() -> str:
    """Returns a hash of botlib's code, on which results depend as on a notebook's cells."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE_FOLDER.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE_FOLDER).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _dump_stamps(place: str) -> list[tuple[str, int, int]]:
    """Returns names, sizes and times: hashing terabytes of dumps takes longer than reading them."""
    path = Path(place).expanduser()
    files = sorted(path.iterdir()) if path.is_dir() else sorted(path.parent.glob(path.name))
    return [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()]


def _code_hash(notebook: Path) -> str:
    if not notebook.is_file():
        return "missing"
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def _state_path(workspace: Workspace) -> Path:
    return workspace.runs / "state.json"


def _states(workspace: Workspace) -> dict[str, dict[str, Any]]:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        return json.loads(_state_path(workspace).read_text(encoding="utf-8"))
    return {}


def _remember(workspace: Workspace, name: str, state: dict[str, Any]) -> None:
    states = {**_states(workspace), name: state}
    with atomic_file(_state_path(workspace)) as file:
        json.dump(states, file, indent=1)


def _changes(workspace: Workspace, settings: Settings, fingerprint: dict[str, str]) -> list[str]:
    """Returns what changed since a notebook's last good run; empty if it is up to date."""
    state = _states(workspace).get(settings.notebook, {})
    # 0.1.0 wrote one hash for all parts, so they all count as new
    before = state.get("parts", {})
    if not before:
        return ["not run yet"]
    changes = [f"{part} changed" for part in fingerprint if before.get(part) != fingerprint[part]]
    outputs = STEPS[settings.notebook].outputs(workspace, settings)
    return changes + [f"{path.name} is missing" for path in outputs if not path.exists()]


def _last_copy(workspace: Workspace, name: str) -> Path | None:
    executed = _states(workspace).get(name, {}).get("executed")
    return Path(executed) if executed and Path(executed).is_file() else None
