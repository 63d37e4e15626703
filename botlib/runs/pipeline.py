"""Runs the six notebooks with papermill: progress, no work twice, one line on failure."""

import contextlib
import dataclasses
import hashlib
import json
import os
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import yaml

from botlib import parameters
from botlib.errors import BotlibError
from botlib.settings import NOTEBOOKS, DataSettings, Settings
from botlib.workspace import Workspace, atomic_file, hash_path

NOTEBOOK_FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


@dataclasses.dataclass(frozen=True)
class Step:
    """A notebook as a node of the graph of files.

    Attributes:
      inputs: the files and folders it reads, of which a change means it must run again.
      outputs: what it leaves behind.
      repeatable: False where it talks to Reddit, which changes by itself: it always runs.
    """

    inputs: Callable[[Workspace, Any], list[Path]]
    outputs: Callable[[Workspace, Any], list[Path]]
    repeatable: bool = True


def _pair_tables(workspace: Workspace, _: Any) -> list[Path]:
    return [workspace.gpt2_finetune, workspace.gpt2_generate, workspace.bert_gan_real]


STEPS: dict[str, Step] = {
    "01_data": Step(lambda w, s: [], _pair_tables),
    "02_gpt2_finetune": Step(_pair_tables, lambda w, s: [w.gpt2(s.run_name)]),
    "03_bert_realism": Step(
        lambda w, s: [w.gpt2_generate, w.bert_gan_real, w.gpt2(s.gpt2_run)],
        lambda w, s: [w.bert_realism],
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
    """What became of one notebook: "done", "skipped" or "failed", and its executed copy."""

    notebook: str
    state: str
    executed: Path | None
    seconds: float = 0.0
    message: str = ""


def run(
    workspace: Workspace,
    *,
    profile: str = "colab",
    overrides: Mapping[str, str] | None = None,
    first: str = "01",
    last: str = "06",
    force: bool = False,
    say: Callable[[str], None] = print,
) -> tuple[Path, list[Result]]:
    """Runs the notebooks from `first` to `last`, in order, each in a process of its own.

    Args:
      workspace: where tables and models live; `runs/{time}/` gets the executed copies.
      profile: see `parameters.profiles()`.
      overrides: settings as texts, by name or by notebook.name; each goes to every notebook
        that has it.
      first: the first notebook, by its number or name.
      last: the last one.
      force: run even what is up to date.
      say: gets one line at a time.

    Returns:
      The run's folder and a result for each notebook; the last may have failed.

    Raises:
      BotlibError: an unknown notebook or setting, or a value of the wrong type.
    """
    chosen = _between(first, last)
    injected = {name: _values_for(name, overrides or {}) for name in chosen}
    _refuse_unknown(overrides or {})
    settings = {
        name: parameters.make(
            NOTEBOOKS[name],
            {
                **parameters.profile_values(profile, name),
                **injected[name],
                "drive_root": str(workspace.root),
            },
        )
        for name in chosen
    }
    folder = workspace.runs / datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for position, name in enumerate(chosen, start=1):
        state = _fingerprint(workspace, settings[name])
        if not force and STEPS[name].repeatable and _up_to_date(workspace, settings[name], state):
            say(f"[{position}/{len(chosen)}] {name}: up to date, skipped")
            executed = _last_copy(workspace, name)
            results.append(Result(name, "skipped", executed))
            continue
        say(f"[{position}/{len(chosen)}] {name}")
        values = {"profile": profile, "drive_root": str(workspace.root), **injected[name]}
        result = execute(name, folder / f"{name}.ipynb", values)
        results.append(result)
        if result.state == "failed":
            say(result.message)
            break
        # Inputs are hashed before the run, so that a change meanwhile shows as one
        _remember(workspace, name, {"fingerprint": state, "executed": str(result.executed)})
    return folder, results


def execute(name: str, target: Path, values: Mapping[str, Any]) -> Result:
    """Executes one notebook and keeps its executed copy, failed or not.

    Args:
      name: the notebook's name without `.ipynb`.
      target: the executed copy.
      values: settings, `profile` and `drive_root`; what the parameters cell doesn't show is
        passed in `options`.

    Raises:
      BotlibError: there is no such notebook.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source = NOTEBOOK_FOLDER / f"{name}.ipynb"
    if not source.is_file():
        raise BotlibError(f"{source} is missing: run botlib from a clone of its repository")
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
    """A kernel manager whose kernels write to a log what would break the progress bar."""
    from jupyter_client import AsyncKernelManager

    class LoggedKernelManager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:
            await super().start_kernel(stderr=log, **options)

    return LoggedKernelManager


@contextlib.contextmanager
def _kernel_environment() -> typing.Iterator[None]:
    """What every kernel inherits: quiet TensorFlow and legacy Keras, which TF Hub needs."""
    wanted = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_USE_LEGACY_KERAS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "BOTLIB_BATCH": "1",  # nobody is there to move a slider
    }
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def notebook_name(text: str) -> str:
    """Returns the notebook whose number or name starts with `text`.

    Raises:
      BotlibError: none or several do.
    """
    found = [name for name in NOTEBOOKS if name.startswith(text)] if text else []
    if len(found) != 1:
        raise BotlibError(f"no notebook is called {text!r}; there are {', '.join(NOTEBOOKS)}")
    return found[0]


def _between(first: str, last: str) -> list[str]:
    names = list(NOTEBOOKS)
    start, end = names.index(notebook_name(first)), names.index(notebook_name(last))
    if start > end:
        raise BotlibError(f"--from {first} comes after --to {last}: swap them")
    return names[start : end + 1]


def _values_for(notebook: str, overrides: Mapping[str, str]) -> dict[str, Any]:
    """The overrides a notebook takes, with texts turned into the settings' types."""
    hints = typing.get_type_hints(NOTEBOOKS[notebook])
    values = {}
    for key, text in overrides.items():
        prefix, _, name = key.rpartition(".")
        meant = not prefix or notebook_name(prefix) == notebook
        if meant and name in NOTEBOOKS[notebook].names():
            # YAML would turn 2019-05 or 007 into something else where text is wanted
            values[name] = text if hints[name] is str else _parsed(text)
    return values


def _parsed(text: Any) -> Any:
    return yaml.safe_load(text) if isinstance(text, str) else text


def _refuse_unknown(overrides: Mapping[str, str]) -> None:
    # Any notebook's setting will do: the same options must serve a part and the whole
    for key in overrides:
        prefix, _, name = key.rpartition(".")
        candidates = [notebook_name(prefix)] if prefix else list(NOTEBOOKS)
        if not any(name in NOTEBOOKS[notebook].names() for notebook in candidates):
            known = sorted({n for notebook in candidates for n in NOTEBOOKS[notebook].names()})
            raise BotlibError(
                f"no setting of {candidates[0] if prefix else 'any notebook'} is called {name!r}; "
                f"there are {', '.join(known)}"
            )


def _fingerprint(workspace: Workspace, settings: Settings) -> str:
    """One hash over what decides a notebook's result: its code, settings and inputs."""
    step = STEPS[settings.notebook]
    parts: dict[str, Any] = {
        "settings": settings.as_dict(),
        "code": _code_hash(NOTEBOOK_FOLDER / f"{settings.notebook}.ipynb"),
        "inputs": {path.name: hash_path(path) for path in step.inputs(workspace, settings)},
    }
    if isinstance(settings, DataSettings) and settings.dumps:
        parts["dumps"] = _dump_stamps(settings.dumps)
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _dump_stamps(place: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times: hashing terabytes of dumps would take longer than reading them."""
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


def _states(workspace: Workspace) -> dict[str, dict[str, str]]:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        return json.loads(_state_path(workspace).read_text(encoding="utf-8"))
    return {}


def _remember(workspace: Workspace, name: str, state: dict[str, str]) -> None:
    states = {**_states(workspace), name: state}
    with atomic_file(_state_path(workspace)) as file:
        json.dump(states, file, indent=1)


def _up_to_date(workspace: Workspace, settings: Settings, fingerprint: str) -> bool:
    outputs = STEPS[settings.notebook].outputs(workspace, settings)
    state = _states(workspace).get(settings.notebook, {})
    return state.get("fingerprint") == fingerprint and all(path.exists() for path in outputs)


def _last_copy(workspace: Workspace, name: str) -> Path | None:
    executed = _states(workspace).get(name, {}).get("executed")
    return Path(executed) if executed and Path(executed).is_file() else None
