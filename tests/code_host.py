"""A small server that speaks the parts of GitHub's and GitLab's APIs that a review uses, and runs of the
very steps of `action.yml` and of the GitLab template as their runners make them.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
TOKEN = "only-this-one"
BOT, STRANGER = "github-actions[bot]", "mallory"
_OWN_ID = 77


@dataclass(slots=True)
class Note:
    """A comment, with who wrote it and how often it was written."""

    number: int
    author: str
    body: str
    writes: int = 1


@dataclass(slots=True)
class Server:
    """The state of one request under review, and what was asked."""

    notes: list[Note] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    artifacts: list[list[str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    reads_only: bool = False
    is_full: bool = False
    fails: int = 0
    url: str = ""

    def add(self, author: str, body: str) -> Note:
        """A new comment."""
        note = Note(number=len(self.notes) + 1000, author=author, body=body)
        self.notes.append(note)
        return note

    @property
    def ours(self) -> list[Note]:
        """Comments that the job wrote."""
        return [one for one in self.notes if one.author == BOT]


@contextmanager
def serving() -> Iterator[Server]:
    """A server on loopback, down at the end."""
    state = Server()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Server

    def log_message(self, *parts: object) -> None:
        del parts

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        self.state.asked.append((self.command, url.path))
        given = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
        if given.removeprefix("Bearer ") != TOKEN:
            return self._send(401, {"message": "Bad credentials"})
        if self.state.fails and self.command == "GET":
            self.state.fails -= 1
            return self._send(502, {"message": "try again"})
        if self.state.reads_only and self.command != "GET":
            return self._send(403, {"message": "Resource not accessible by integration"})
        query = {key: int(value[0]) for key, value in parse_qs(url.query).items()}
        body = json.loads(data) if data else {}
        for method, path, act in _ROUTES:
            found = re.fullmatch(path, url.path)
            if found and method == self.command:
                return self._send(*act(self.state, found.groups(), query, body))
        return self._send(404, {"message": "Not Found"})

    def _send(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _page(items: list[Any], query: Mapping[str, int]) -> list[Any]:
    size, page = min(query.get("per_page", 30), 100), query.get("page", 1)
    return items[(page - 1) * size : page * size]


def _github_notes(state: Server, _: tuple[str, ...], query: Mapping[str, int], __: Any) -> Any:
    shown = [
        {"id": one.number, "body": one.body, "user": {"login": one.author}} for one in state.notes
    ]
    return 200, _page(shown, query)


def _gitlab_notes(state: Server, _: tuple[str, ...], query: Mapping[str, int], __: Any) -> Any:
    shown = [
        {
            "id": one.number,
            "body": one.body,
            "system": False,
            "author": {"id": _OWN_ID if one.author == BOT else 5},
        }
        for one in state.notes
    ]
    return 200, _page(shown, query)


def _create(state: Server, _: tuple[str, ...], __: Any, body: Any) -> Any:
    if len(body["body"]) > 65_536:
        return 422, {"message": "body is too long"}
    return 201, {"id": state.add(BOT, body["body"]).number}


def _update(state: Server, parts: tuple[str, ...], _: Any, body: Any) -> Any:
    (note,) = (one for one in state.notes if one.number == int(parts[0]))
    if note.author != BOT:
        return 403, {"message": "not yours"}
    note.body, note.writes = body["body"], note.writes + 1
    return 200, {"id": note.number}


def _labels(state: Server, *_: Any) -> Any:
    return 200, [{"name": name} for name in sorted(state.labels)]


def _add_labels(state: Server, _: Any, __: Any, body: Any) -> Any:
    state.labels.update(body["labels"])
    return 200, []


def _drop_label(state: Server, parts: tuple[str, ...], *_: Any) -> Any:
    if unquote(parts[0]) not in state.labels:
        return 404, {"message": "Label does not exist"}
    state.labels.remove(unquote(parts[0]))
    return 200, []


def _gitlab_labels(state: Server, _: Any, __: Any, body: Any) -> Any:
    state.labels -= set(body["remove_labels"].split(","))
    state.labels.add(body["add_labels"])
    return 200, {}


def _own_account(*_: Any) -> Any:
    return 200, {"id": _OWN_ID}


_HUB = r"/repos/acme/layouts/issues"
_LAB = r"/projects/42/merge_requests/7"
_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", rf"{_HUB}/7/comments", _github_notes),
    ("POST", rf"{_HUB}/7/comments", _create),
    ("PATCH", rf"{_HUB}/comments/(\d+)", _update),
    ("GET", rf"{_HUB}/7/labels", _labels),
    ("POST", rf"{_HUB}/7/labels", _add_labels),
    ("DELETE", rf"{_HUB}/7/labels/([^/]+)", _drop_label),
    ("GET", r"/user", _own_account),
    ("GET", rf"{_LAB}/notes", _gitlab_notes),
    ("POST", rf"{_LAB}/notes", _create),
    ("PUT", rf"{_LAB}/notes/(\d+)", _update),
    ("PUT", _LAB, _gitlab_labels),
]


# --- A job: the steps as they stand in the files, in a bash as the runners start it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job ended: the status of the step that failed, else 0, and all that it printed."""

    status: int
    text: str
    summary: str = ""


def _bash(
    script: str, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**_bare(), **environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=300,
    )


def _bare() -> dict[str, str]:
    """What a runner has set: nothing of this machine but where programs are."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: os.environ[name] for name in ("COVERAGE_PROCESS_START",) if name in os.environ}
    return {"PATH": path, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **kept}


def github_job(server: Server, checkout: Path, work: Path, **inputs: str) -> Ended:
    """The steps of `action.yml` over a checkout, for pull request 7."""
    action = YAML(typ="safe").load((ROOT / "action.yml").read_text())
    work.mkdir()
    files = {name: work / name for name in ("output", "summary", "path", "event")}
    files["event"].write_text(
        json.dumps({"pull_request": {"number": 7, "title": "$(touch pwned)"}})
    )
    runner = {
        "RUNNER_TEMP": str(work),
        "GITHUB_OUTPUT": str(files["output"]),
        "GITHUB_STEP_SUMMARY": str(files["summary"]),
        "GITHUB_PATH": str(files["path"]),
        "GITHUB_EVENT_PATH": str(files["event"]),
        "GITHUB_REPOSITORY": "acme/layouts",
        "GITHUB_API_URL": server.url,
        "CI": "true",
    }
    known = {
        f"inputs.{name}": str(one.get("default", "")) for name, one in action["inputs"].items()
    }
    known |= {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
    known |= {"github.token": TOKEN, "github.action_path": str(ROOT)}
    known["inputs.token"] = TOKEN
    text, status = "", 0
    for step in action["runs"]["steps"]:
        if not _applies(step.get("if", ""), known, failed=bool(status)):
            continue
        files["output"].write_text("")
        if "uses" in step:
            refused, outputs = _upload(server, step, known)
            if refused:
                text += f"Error: {refused}\n"
                status = status or int(not step.get("continue-on-error", False))
        else:
            given = {name: _filled(value, known) for name, value in step.get("env", {}).items()}
            assert "${{" not in step["run"], "an expression in a script is code of a stranger"
            runner["PATH"] = _with_added(files["path"])
            done = _bash(step["run"], checkout, {**runner, **given})
            text += done.stdout + done.stderr
            status = status or done.returncode
            pairs = (line.partition("=") for line in files["output"].read_text().splitlines())
            outputs = {name: value for name, _, value in pairs}
        known |= {f"steps.{step.get('id')}.outputs.{name}": one for name, one in outputs.items()}
    summary = files["summary"].read_text() if files["summary"].exists() else ""
    return Ended(status=status, text=text, summary=summary)


def _with_added(file: Path) -> str:
    """PATH with what earlier steps put in front of it."""
    added = file.read_text().splitlines() if file.exists() else []
    return ":".join([*reversed(added), _bare()["PATH"]])


def _filled(value: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: known.get(found[1], ""), str(value))


def _applies(condition: str, known: Mapping[str, str], *, failed: bool) -> bool:
    parts = [part.strip() for part in str(condition).split("&&") if part.strip()]
    if failed and "always()" not in parts:
        return False
    for part in parts:
        if part != "always()":
            name, _, wanted = part.partition(" != ")
            assert wanted == "''", condition
            if not known.get(name, ""):
                return False
    return True


def _upload(
    server: Server, step: Mapping[str, Any], known: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """What actions/upload-artifact does, as far as it is seen from here: why it took nothing, and its
    outputs. It passes over hidden files unless told, takes no name that some file system has none of,
    and lays out what is kept as it lies below the folder.
    """
    assert re.fullmatch(r"actions/upload-artifact@[0-9a-f]{40}", step["uses"])
    wanted = step["with"]
    assert set(wanted) <= {
        "name", "path", "if-no-files-found", "retention-days", "compression-level", "overwrite",
        "include-hidden-files",
    }  # fmt: skip
    folder = Path(_filled(wanted["path"], known))
    below = sorted(one.relative_to(folder) for one in folder.rglob("*") if one.is_file())
    if not wanted.get("include-hidden-files", False):
        below = [one for one in below if not any(part.startswith(".") for part in one.parts)]
    files = [str(one) for one in below]
    assert files, "nothing to keep"
    for name in (_filled(wanted["name"], known), *files):
        if re.search(r'[":<>|*?\r\n]', name):
            return f"The path for one of the files in artifact is not valid: {name}", {}
    if server.is_full:
        return "Failed to CreateArtifact: Artifact storage quota has been hit", {}
    server.artifacts.append(files)
    return "", {"artifact-url": f"{server.url}/runs/1/artifacts/{len(server.artifacts)}"}


def gitlab_job(server: Server, checkout: Path, **variables: str) -> Ended:
    """The job of the GitLab template over a checkout, for merge request 7."""
    job = YAML(typ="safe").load((ROOT / "gitlab-ci" / "gpmirror.gitlab-ci.yml").read_text())
    job = job[".gpmirror-review"]
    environment = {
        **{name: str(value) for name, value in job["variables"].items()},
        "GPMIRROR_INSTALL": "",
        "GPMIRROR_GITLAB_TOKEN": TOKEN,
        "CI_API_V4_URL": server.url,
        "CI_PROJECT_ID": "42",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_TITLE": "$(touch pwned)",
        "CI_JOB_URL": f"{server.url}/jobs/9",
        **variables,
    }
    done = _bash("\n".join([*job["before_script"], *job["script"]]), checkout, environment)
    for path in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["codequality"]):
        assert (checkout / path).exists() or done.returncode in {1, 3}, path
    return Ended(status=done.returncode, text=done.stdout + done.stderr)
