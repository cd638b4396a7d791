"""Code hosts: one comment on a pull or merge request, updated in place, and one label of ours."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from gpmirror.errors import Failure, Usage
from gpmirror.values import dataclass

# --- What is asked of a code host.


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on the request that is under review; `is_ours`: we may and do write it."""

    number: int
    text: str
    is_ours: bool


class CodeHost(Protocol):
    """A pull or merge request. Every method raises Refused or Failure."""

    def comments(self) -> list[Comment]:
        """All comments, however many pages they take."""
        ...

    def create(self, text: str) -> None:
        """Write a new comment."""
        ...

    def update(self, number: int, text: str) -> None:
        """Write a comment anew."""
        ...

    def set_label(self, label: str, others: Sequence[str]) -> None:
        """Give the request this label and take these others away."""
        ...


class Refused(Failure):
    """The token may not do that: in a job for somebody else's fork it may only read."""


def publish(host: CodeHost, text: str, mark: str) -> str:
    """Put `text`, which begins with `mark`, into our comment, or make one; what was done, in a word.
    A comment of somebody else that begins so is none of ours.
    """
    ours = [one for one in host.comments() if one.is_ours and one.text.startswith(mark)]
    if not ours:
        host.create(text)
        return "written"
    if ours[0].text.rstrip() == text.rstrip():
        return "unchanged"
    host.update(ours[0].number, text)
    return "updated"


# --- Requests: JSON both ways, no redirects (they would carry the token elsewhere), bounded answers.


_SECONDS = 30
_TRIES = 3
_MOST_BYTES = 32 * 1024 * 1024
_MOST_PAGES = 200
_A_PAGE = 100
_REFUSALS = (401, 403, 404)
_SERVER_ERRORS = 500


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *parts: object) -> None:
        del parts


_OPENER = build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Api:
    """Where an API is and with which headers it is asked; the token stands in one of them."""

    base: str
    headers: Mapping[str, str]

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """The answer as plain data. What changes nothing is tried again where the server fails."""
        tries = _TRIES if method == "GET" else 1
        for wait in range(tries):
            try:
                return self._once(method, path, body)
            except HTTPError as error:
                if error.code < _SERVER_ERRORS or wait + 1 == tries:
                    self._explain(method, path, error)
            except (URLError, OSError, ValueError) as error:
                if wait + 1 == tries:
                    why = getattr(error, "reason", error)
                    raise Failure(
                        f"cannot {method} {self.base}{path}: {why}",
                        hint="check the address of the API and the network, then run the job again",
                    ) from error
            time.sleep(wait + 1)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.base}{path}", data=data, method=method)  # noqa: S310 - see _address
        for name, value in self.headers.items():
            request.add_header(name, value)
        request.add_header("Content-Type", "application/json")
        with _OPENER.open(request, timeout=_SECONDS) as answer:
            text = answer.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError("the answer is too long")
        return json.loads(text) if text.strip() else None

    def _explain(self, method: str, path: str, error: HTTPError) -> NoReturn:
        said = error.read(400).decode("utf-8", "replace")
        message = f"cannot {method} {self.base}{path}: {error.code} {' '.join(said.split())[:200]}"
        if error.code in _REFUSALS:
            hint = "give the job's token the right to write to pull requests (or merge requests)"
            raise Refused(message, hint=hint) from None
        raise Failure(message, hint="run the job again; see the state of the code host") from None

    def pages(self, path: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            items = self.call("GET", f"{path}?{urlencode({'per_page': _A_PAGE, 'page': page})}")
            found += items
            if len(items) < _A_PAGE:
                break
        return found


def _address(name: str, url: str) -> str:
    if not re.match(r"https://|http://(localhost|127\.0\.0\.1)[:/]", url):
        raise Usage(f"{name} is {url!r:.80}, not an https address", hint="take the code host's own")
    return url.rstrip("/")


def _given(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise Usage(
            f"{name} is not set", hint="this runs in a job of the code host, with its token"
        )
    return value


# --- GitHub: comments and labels of a pull request are those of the issue of its number.


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """A pull request; `author` is the account that our comments are written by."""

    api: _Api
    issue: str
    author: str

    def comments(self) -> list[Comment]:
        """As the Protocol says."""
        return [
            Comment(
                number=int(one["id"]),
                text=one.get("body") or "",
                is_ours=(one.get("user") or {}).get("login") == self.author,
            )
            for one in self.api.pages(f"{self.issue}/comments")
        ]

    def create(self, text: str) -> None:
        """As the Protocol says."""
        self.api.call("POST", f"{self.issue}/comments", {"body": text})

    def update(self, number: int, text: str) -> None:
        """As the Protocol says."""
        comments = self.issue.rpartition("/")[0] + "/comments"
        self.api.call("PATCH", f"{comments}/{number}", {"body": text})

    def set_label(self, label: str, others: Sequence[str]) -> None:
        """As the Protocol says."""
        held = {one["name"] for one in self.api.pages(f"{self.issue}/labels")}
        for other in sorted(held.intersection(others)):
            self.api.call("DELETE", f"{self.issue}/labels/{quote(other, safe='')}")
        if label not in held:
            self.api.call("POST", f"{self.issue}/labels", {"labels": [label]})


def github_from(environment: Mapping[str, str]) -> GitHub | None:
    """The pull request that a job of GitHub Actions runs for; None: it runs for none. Raises Usage."""
    number = _pull_request(_given(environment, "GITHUB_EVENT_PATH"))
    if number is None:
        return None
    repository = _given(environment, "GITHUB_REPOSITORY")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
        raise Usage(f"GITHUB_REPOSITORY is {repository!r:.80}", hint="it reads OWNER/NAME")
    base = environment.get("GITHUB_API_URL") or "https://api.github.com"
    return GitHub(
        api=_Api(
            base=_address("GITHUB_API_URL", base),
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "gpmirror",
                "Authorization": f"Bearer {_given(environment, 'GITHUB_TOKEN')}",
            },
        ),
        issue=f"/repos/{repository}/issues/{number}",
        author=environment.get("GPMIRROR_COMMENT_AUTHOR") or "github-actions[bot]",
    )


def _pull_request(event: str) -> int | None:
    """The number in the event that GitHub wrote for the job."""
    try:
        found = json.loads(Path(event).read_bytes()).get("pull_request")
        return None if found is None else int(found["number"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(
            f"cannot read the event in {event}: {error}", hint="GITHUB_EVENT_PATH names it in a job"
        ) from error


# --- GitLab: notes of a merge request; whose they are is asked of the token.


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    """A merge request."""

    api: _Api
    request: str

    def comments(self) -> list[Comment]:
        """As the Protocol says."""
        own = self.api.call("GET", "/user")["id"]
        return [
            Comment(
                number=int(one["id"]),
                text=one.get("body") or "",
                is_ours=not one.get("system") and (one.get("author") or {}).get("id") == own,
            )
            for one in self.api.pages(f"{self.request}/notes")
        ]

    def create(self, text: str) -> None:
        """As the Protocol says."""
        self.api.call("POST", f"{self.request}/notes", {"body": text})

    def update(self, number: int, text: str) -> None:
        """As the Protocol says."""
        self.api.call("PUT", f"{self.request}/notes/{number}", {"body": text})

    def set_label(self, label: str, others: Sequence[str]) -> None:
        """As the Protocol says."""
        labels = {"add_labels": label, "remove_labels": ",".join(others)}
        self.api.call("PUT", self.request, labels)


def gitlab_from(environment: Mapping[str, str]) -> GitLab | None:
    """The merge request that a job of GitLab runs for; None: it runs for none. Raises Usage."""
    number = environment.get("CI_MERGE_REQUEST_IID", "")
    if not number:
        return None
    project = _given(environment, "CI_PROJECT_ID")
    if not (number.isascii() and number.isdigit() and project.isascii() and project.isdigit()):
        raise Usage(
            f"CI_PROJECT_ID is {project!r:.40} and CI_MERGE_REQUEST_IID {number!r:.40}",
            hint="both are numbers in a job of GitLab",
        )
    return GitLab(
        api=_Api(
            base=_address("CI_API_V4_URL", _given(environment, "CI_API_V4_URL")),
            headers={
                "User-Agent": "gpmirror",
                "PRIVATE-TOKEN": _given(environment, "GPMIRROR_GITLAB_TOKEN"),
            },
        ),
        request=f"/projects/{project}/merge_requests/{number}",
    )
