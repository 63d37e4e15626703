"""A stand-in for the Hugging Face Hub: what huggingface_hub asks of it, answered over HTTP.

Written from the Hub's API documentation, Git LFS's batch API and huggingface_hub's source. Large
files lie on another host and are checked by their hash, tokens by what they may do.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from tests.hub_repository import LARGE, LICENCES, TOKENS, Repository, git_oid


class Hub(http.server.ThreadingHTTPServer):
    """The server: `repositories`, what was `asked`, and faults to come.

    Attributes:
      cut: file or LFS object → after how many bytes its next answer breaks off.
      refuse_after: how many uploads of large files succeed before the next is refused once.
      part_bytes: larger files are uploaded in parts of this size.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.asked: list[str] = []
        self.uploaded: list[str] = []
        self.leaked: list[str] = []
        self.cut: dict[str, int] = {}
        self.refuse_after: int | None = None
        self.part_bytes = 1 << 40
        self.url = f"http://127.0.0.1:{self.server_port}"
        # Another host, as a CDN is: the library must not send its token there
        self.cdn = f"http://localhost:{self.server_port}/cdn"

    def add(self, name: str, folder: Path, **options: bool) -> Repository:
        """Adds a repository with a folder's files."""
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*")
                 if p.is_file()}  # fmt: skip
        self.repositories[name] = Repository(files, **options)
        return self.repositories[name]


class _Refused(Exception):
    """An answer with an error: its status, the Hub's code and message."""


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def _route(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        split = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(split.query))
        path = split.path.lstrip("/")
        self.server.asked.append(f"{self.command} {path}")
        method = "GET" if self.command == "HEAD" else self.command
        for verb, pattern, answer in _ROUTES:
            if verb == method and (match := re.fullmatch(pattern, path)):
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    try:
                        answer(self, *(urllib.parse.unquote(part) for part in match.groups()))
                    except _Refused as refused:
                        self._refuse(*refused.args)
                return
        self._refuse(404, "NotFound", f"the stand-in knows no {self.command} {path}")

    do_HEAD = do_GET = do_POST = do_PUT = _route

    # Access

    def _user(self) -> tuple[str, str] | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise _Refused(401, "", "Invalid credentials in Authorization header")
        return TOKENS.get(token)

    def _repository(self, name: str, write: bool = False) -> Repository:
        user = self._user()
        repository = self.server.repositories.get(name)
        hidden = repository is None or (repository.private and user is None)
        if hidden:
            # The Hub doesn't tell strangers which repositories exist
            raise _Refused(404 if user else 401, "RepoNotFound", "Repository not found")
        if repository.gated and not write:
            raise _Refused(403 if user else 401, "GatedRepo", "Access to this model is restricted")
        if write and (user is None or user[1] != "write" or user[0] != name.split("/")[0]):
            raise _Refused(403, "", "You don't have the rights to write here")
        return repository

    def _commit_of(self, repository: Repository, revision: str) -> str:
        oid = repository.branches.get(revision, revision)
        if oid not in repository.commits:
            raise _Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return oid

    # Reading

    def resolve(self, name: str, revision: str, file: str) -> None:
        repository = self._repository(name)
        oid = self._commit_of(repository, revision)
        content = repository.commits[oid].get(file)
        if content is None:
            raise _Refused(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": oid}
        if not file.endswith(LARGE):
            etag = git_oid(content)
            return self._content(content, file, headers | {"ETag": f'"{etag}"'})
        sha = hashlib.sha256(content).hexdigest()
        self.server.objects.setdefault(sha, content)
        headers |= {"X-Linked-ETag": f'"{sha}"', "X-Linked-Size": str(len(content))}
        headers |= {"Location": f"{self.server.cdn}/{sha}?signature=s3cret", "ETag": f'"{sha}"'}
        self._send(302, b"", headers)

    def cdn(self, sha: str) -> None:
        if "Authorization" in self.headers:
            self.server.leaked.append(self.path)
        self._content(self.server.objects[sha], sha, {"ETag": f'"{sha}"'})

    def info(self, name: str, revision: str = "main") -> None:
        repository = self._repository(name)
        oid = self._commit_of(repository, revision)
        names = [{"rfilename": file} for file in repository.commits[oid]]
        about = {"_id": "1", "id": name, "modelId": name, "sha": oid, "siblings": names}
        self._json(about | {"private": repository.private, "gated": repository.gated, "tags": []})

    def tree(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        files = repository.commits[self._commit_of(repository, revision)]
        first = int(self.query.get("cursor", 0))
        entries = []
        for file in sorted(files)[first : first + 3]:
            content = files[file]
            blob = git_oid(content)
            entry = {"type": "file", "path": file, "size": len(content), "oid": blob}
            if file.endswith(LARGE):
                sha = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"oid": sha, "size": len(content), "pointerSize": 130}
            entries.append(entry)
        headers = {}
        if first + 3 < len(files):
            query = urllib.parse.urlencode(self.query | {"cursor": first + 3})
            address = f"{self.server.url}/api/models/{name}/tree/{revision}?{query}"
            headers["Link"] = f'<{address}>; rel="next"'
        self._json(entries, headers)

    # Writing

    def create(self) -> None:
        user, about = self._user(), json.loads(self.body)
        owner = about.get("organization") or (user or ("",))[0]
        name = f"{owner}/{about['name']}"
        if user is None:
            raise _Refused(401, "", "Invalid username or password.")
        if user != (owner, "write"):
            raise _Refused(403, "", f"You don't have the rights to create a model under {owner}")
        if name in self.server.repositories:
            return self._json({"url": f"{self.server.url}/{name}", "error": "exists"}, status=409)
        private = about.get("visibility") == "private" or about.get("private") is True
        self.server.repositories[name] = Repository({".gitattributes": b"*.bin lfs\n"}, private)
        self._json({"url": f"{self.server.url}/{name}"})

    def validate(self) -> None:
        header = json.loads(self.body)["content"].split("---\n")
        about = yaml.safe_load(header[1]) if len(header) > 2 else {}
        errors = [f'"{key}" is missing' for key in ("license", "tags") if key not in about]
        if about.get("license") not in LICENCES:
            errors.append('"license" must be one of a list')
        answer = {"errors": [{"message": text} for text in errors], "warnings": []}
        self._json(answer, status=400 if errors else 200)

    def preupload(self, name: str, revision: str) -> None:
        repository = self._repository(name, write=True)
        self._commit_of(repository, revision)
        files = []
        for file in json.loads(self.body)["files"]:
            mode = "lfs" if file["path"].endswith(LARGE) else "regular"
            content = repository.files.get(file["path"])
            blob = content is not None and mode == "regular"
            oid = git_oid(content) if blob else None
            if content is not None and mode == "lfs":
                oid = hashlib.sha256(content).hexdigest()
            about = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            files.append(about | ({"oid": oid} if oid else {}))
        self._json({"files": files})

    def batch(self, name: str) -> None:
        self._repository(name, write=True)
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            oid, size = wanted["oid"], wanted["size"]
            actions = {}
            if oid not in self.server.objects:
                upload = {"href": f"{self.server.url}/lfs/{oid}"}
                if size > self.server.part_bytes:
                    count = -(-size // self.server.part_bytes)
                    upload["header"] = {"chunk_size": str(self.server.part_bytes)} | {
                        str(n): f"{self.server.url}/lfs/{oid}/{n}" for n in range(1, count + 1)
                    }
                verify = {"href": f"{self.server.url}/{name}.git/info/lfs/verify"}
                actions = {"actions": {"upload": upload, "verify": verify}}
            objects.append({"oid": oid, "size": size} | actions)
        self._json({"transfer": "basic", "objects": objects})

    def put(self, oid: str, part: str = "") -> None:
        if self.server.refuse_after == 0:
            self.server.refuse_after = None
            raise _Refused(403, "", "the signature has expired")
        if self.server.refuse_after is not None:
            self.server.refuse_after -= 1
        self.server.uploaded.append(oid)
        if part:
            self.server.parts[oid, int(part)] = self.body
        else:
            self._store(oid, self.body)
        self._send(200, b"", {"ETag": f'"{hashlib.md5(self.body).hexdigest()}"'})

    def complete(self, oid: str) -> None:
        numbers = [part["partNumber"] for part in json.loads(self.body)["parts"]]
        self._store(oid, b"".join(self.server.parts[oid, number] for number in numbers))
        self._json({})

    def _store(self, oid: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != oid:
            raise _Refused(400, "", "the content has another hash")
        self.server.objects[oid] = content

    def verify(self, name: str) -> None:
        self._repository(name, write=True)
        about = json.loads(self.body)
        if len(self.server.objects.get(about["oid"], b"")) != about["size"]:
            raise _Refused(404, "", "no such object")
        self._json({})

    def commit(self, name: str, revision: str) -> None:
        repository = self._repository(name, write=True)
        self._commit_of(repository, revision)
        files = dict(repository.files)
        header, *items = (json.loads(line) for line in self.body.splitlines())
        assert header["key"] == "header" and header["value"]["summary"]
        for item in items:
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                if value["oid"] not in self.server.objects:
                    raise _Refused(400, "", f"{value['path']} was not uploaded")
                files[value["path"]] = self.server.objects[value["oid"]]
            elif item["key"] == "deletedFile":
                if value["path"] not in files:
                    raise _Refused(404, "EntryNotFound", "A file with this name doesn't exist")
                del files[value["path"]]
        oid = repository.commit(files)
        url = f"{self.server.url}/{name}/commit/{oid}"
        self._json({"success": True, "commitOid": oid, "commitUrl": url})

    # Answers

    def _content(self, content: bytes, name: str, headers: Mapping[str, str]) -> None:
        asked = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0]
        first = int(asked or 0)
        if first and first >= len(content):
            return self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        headers = dict(headers) | {"Accept-Ranges": "bytes"}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        cut = self.server.cut.pop(name, None) if self.command == "GET" else None
        self._send(206 if first else 200, content[first:], headers, cut)

    def _json(self, content: object, headers: Mapping[str, str] | None = None, status: int = 200):
        self._send(
            status,
            json.dumps(content).encode(),
            {"Content-Type": "application/json"} | dict(headers or {}),
        )

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._json({"error": message}, headers, status)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], cut: int | None = None):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        if cut is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        self.close_connection = self.close_connection or cut is not None

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


_NAME = r"([^/]+/[^/]+)"
_ROUTES = (
    ("GET", r"cdn/(\w+)", _Answer.cdn),
    ("GET", rf"{_NAME}/resolve/([^/]+)/(.+)", _Answer.resolve),
    ("GET", rf"api/models/{_NAME}", _Answer.info),
    ("GET", rf"api/models/{_NAME}/revision/([^/]+)", _Answer.info),
    ("GET", rf"api/models/{_NAME}/tree/([^/]+)", _Answer.tree),
    ("POST", r"api/repos/create", _Answer.create),
    ("POST", r"api/validate-yaml", _Answer.validate),
    ("POST", rf"api/models/{_NAME}/preupload/([^/]+)", _Answer.preupload),
    ("POST", rf"{_NAME}\.git/info/lfs/objects/batch", _Answer.batch),
    ("POST", rf"{_NAME}\.git/info/lfs/verify", _Answer.verify),
    ("PUT", r"lfs/(\w+)", _Answer.put),
    ("PUT", r"lfs/(\w+)/(\d+)", _Answer.put),
    ("POST", r"lfs/(\w+)", _Answer.complete),
    ("POST", rf"api/models/{_NAME}/commit/([^/]+)", _Answer.commit),
)


def serve() -> Iterator[Hub]:
    """Yields a running stand-in."""
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True).start()
        yield hub
        hub.shutdown()


@contextlib.contextmanager
def connected(monkeypatch, cache: Path, token: str = "") -> Iterator[Hub]:
    """Yields a running stand-in that huggingface_hub takes for the Hub, with an empty cache."""
    for running in serve():
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        # Xet's own servers are beyond a stand-in; the Hub takes the older LFS route as well
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(cache / "no-token"))
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", token)
        monkeypatch.setattr("time.sleep", lambda _: None)
        yield running
