"""A repository of the Hub's stand-in: files by commit, as git and LFS see them."""

import hashlib
from collections.abc import Mapping

LARGE = (".bin", ".onnx", ".npz", ".safetensors", ".h5")
LICENCES = ("mit", "apache-2.0", "unknown", "other")
# token → (user, what it may do)
TOKENS = {"hf_writer": ("someone", "write"), "hf_reader": ("someone", "read")}


class Repository:
    """Files by commit; `main` is the last one."""

    def __init__(self, files: Mapping[str, bytes], private: bool = False) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.branches: dict[str, str] = {}
        self.private, self.gated = private, False
        self.commit(files)

    def commit(self, files: Mapping[str, bytes]) -> str:
        seed = f"{len(self.commits)}{sorted(files)}".encode() + b"".join(files.values())
        oid = hashlib.sha1(seed).hexdigest()
        self.commits[oid] = dict(files)
        self.branches["main"] = oid
        return oid

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[self.branches["main"]]


def git_oid(content: bytes) -> str:
    """Returns the hash by which git knows a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
