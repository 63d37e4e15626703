"""Every path of a workspace, from one root; files and folders written whole or not at all."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from botlib import drive, parts
from botlib.errors import BotlibError


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A folder (Google Drive on Colab, any folder elsewhere) that carries tables and models.

    `drive_layout.md` describes every path; a test holds the two together.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).expanduser().resolve())

    @classmethod
    def open(cls, root: str | Path, create: bool = False) -> "Workspace":
        """Returns the workspace at `root`, made if `create`.

        Raises:
          BotlibError: there is no such folder, or it can't be written.
        """
        workspace = cls(Path(root))
        drive.check(workspace.root)
        if create:
            try:
                workspace.root.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise BotlibError(
                    f"cannot create the workspace {workspace.root}: {error.strerror}; "
                    "set drive_root (--workspace in a terminal) to another folder"
                ) from error
        if not workspace.root.is_dir():
            raise BotlibError(
                f"there is no workspace at {workspace.root}: run 01_data first, or set drive_root "
                "(--workspace in a terminal) to another folder"
            )
        parts.clear_orphans(workspace.root, depth=0 if drive.covers(workspace.root) else 3)
        return workspace

    # Tables, in the order they are written
    @property
    def dumps(self) -> Path:
        return self.root / "dumps"

    @property
    def archive(self) -> Path:
        """Downloads from the public archive, as dump files by month."""
        return self.dumps / "archive"

    @property
    def raw_data(self) -> Path:
        return self.root / "raw_data"

    def raw_month(self, month: str) -> Path:
        """Returns the raw table of a month, written as YYYY_MM."""
        return self.raw_data / f"myreddit_{month}.csv"

    def above_month(self, month: str) -> Path:
        """Returns the turns between a month's comments and their posts; absent without any."""
        return self.raw_data / f"above_{month}.csv"

    @property
    def damaged(self) -> Path:
        """The list of dump files that were only read in part; absent if there are none."""
        return self.raw_data / "damaged.txt"

    @property
    def conversations(self) -> Path:
        return self.root / "conversations.csv"

    @property
    def gpt2_finetune(self) -> Path:
        return self.root / "gpt2_finetune.csv"

    @property
    def gpt2_generate(self) -> Path:
        return self.root / "gpt2_generate.csv"

    @property
    def bert_gan_real(self) -> Path:
        return self.root / "bert_gan_real.csv"

    def bert_gan_fake(self, number: int) -> Path:
        return self.root / f"bert_gan_fake{number:03d}.csv"

    def bert_gan_fakes(self) -> list[Path]:
        return sorted(self.root.glob("bert_gan_fake[0-9][0-9][0-9].csv"))

    def proposed_replies(self, date: str) -> Path:
        return self.root / f"proposed_replies_{date}.csv"

    def read_threads(self, date: str) -> Path:
        return self.root / f"read_threads_{date}.csv"

    def realistic_replies(self, date: str) -> Path:
        return self.root / f"realistic_replies_{date}.csv"

    def reply_score_predictions(self, date: str) -> Path:
        return self.root / f"reply_score_predictions_{date}.csv"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox.sqlite3"

    @property
    def forgotten(self) -> Path:
        return self.root / "forgotten.csv"

    @property
    def deny_list(self) -> Path:
        """People and subreddits that are never answered, one a line; absent if there are none."""
        return self.root / "deny.txt"

    @property
    def subreddit_rules(self) -> Path:
        return self.root / "subreddit_rules.json"

    @property
    def bot_file(self) -> Path:
        """The options of `botlib bot`, written by a person; absent if there are none."""
        return self.root / "bot.yaml"

    @property
    def notices(self) -> Path:
        """The notices that were sent, and the time of the last of each kind."""
        return self.root / "notices.json"

    @property
    def stop_switch(self) -> Path:
        return self.root / "STOP"

    @property
    def sandbox(self) -> Path:
        return self.root / "sandbox"

    # Models
    @property
    def models(self) -> Path:
        return self.root / "models"

    def gpt2_base(self, name: str) -> Path:
        return self.models / "gpt2_base" / name

    def gpt2(self, run_name: str) -> Path:
        return self.models / "gpt2" / run_name

    @property
    def encoders(self) -> Path:
        return self.models / "encoders"

    @property
    def bert_realism(self) -> Path:
        return self.models / "bert_realism"

    @property
    def bert_fit(self) -> Path:
        return self.models / "bert_fit"

    @property
    def bert_upvotes(self) -> Path:
        return self.models / "bert_upvotes"

    @property
    def bert_rank(self) -> Path:
        return self.models / "bert_rank"

    @property
    def dialogrpt(self) -> Path:
        return self.models / "dialogrpt"

    @property
    def context(self) -> Path:
        return self.models / "context"

    # What runs leave behind
    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def runs(self) -> Path:
        return self.root / "runs"


@contextlib.contextmanager
def atomic_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Writes a file whole or not at all: temporary file, fsync, rename.

    The temporary file lies beside it, or, for a file on Google Drive, on this machine's own disk:
    see `drive.deliver`.

    Args:
      path: the file to write; its folder is made.
      mode: "w" (UTF-8, newlines as written) or "wb".

    Raises:
      BotlibError: the disk is full, the folder can't be written, or Drive is lost.
    """
    path = Path(path)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    with drive.clear_disk_errors(path):
        drive.check(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = None if drive.covers(path) else path.parent
        with parts.new_file(path, beside) as (handle, part):
            try:
                with os.fdopen(handle, mode, **text) as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                # Temporary files are private; others must be able to read a table on a shared drive
                part.chmod(0o644)
                if beside:
                    part.replace(path)
                else:
                    drive.deliver(part, path)
                    part.unlink()
            except BaseException:
                part.unlink(missing_ok=True)
                raise


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder that replaces `path` when the block ends without an error.

    A kill between the two renames leaves the old folder beside `path` with the suffix `.old`. A
    folder for Google Drive is first built on this machine's own disk: see `drive.local_first`.
    """
    path = Path(path)
    with drive.clear_disk_errors(path):
        drive.check(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with parts.new_folder(path) as folder:
            try:
                with drive.local_first(folder) as local:
                    yield local
                folder.chmod(0o755)
                old = path.with_name(f".{path.name}.old")
                shutil.rmtree(old, ignore_errors=True)
                if path.exists():
                    path.replace(old)
                folder.replace(path)
                shutil.rmtree(old, ignore_errors=True)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
