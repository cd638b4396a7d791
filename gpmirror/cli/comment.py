"""`gpmirror comment`: what `plan --out-dir` wrote, as one comment on a pull or merge request."""

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import Console
from gpmirror.errors import ExitCode, Failure, Unreadable, Usage
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from gpmirror.adapters.code_hosts import CodeHost

_MOST_BYTES = 60_000
_FAIL_ON = "1,3,4,5,6,70"


def command(
    ctx: typer.Context,
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder that `plan --out-dir DIR` wrote.")
    ],
    *,
    github: Annotated[
        bool,
        typer.Option(
            "--github",
            help="Comment on the pull request of this GitHub Actions job; the token is GITHUB_TOKEN.",
        ),
    ] = False,
    gitlab: Annotated[
        bool,
        typer.Option(
            "--gitlab",
            help="Comment on the merge request of this GitLab job; the token is GPMIRROR_GITLAB_TOKEN.",
        ),
    ] = False,
    key: Annotated[
        str,
        typer.Option(
            "--key", metavar="NAME", help="Which comment: jobs with other keys have their own."
        ),
    ] = "layouts",
    artifact: Annotated[
        str | None,
        typer.Option(
            "--artifact-url", metavar="URL", help="Where the job's files are; named in the comment."
        ),
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels/--no-labels", help="Label the request with the outcome.")
    ] = True,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="CODES",
            help="End with the worst exit code of the specs that is among these; 2 stands for changes.",
        ),
    ] = _FAIL_ON,
) -> ExitCode:
    """Comment on a pull or merge request what `plan --out-dir` found, in one comment kept up to date.

    Without --github and --gitlab the comment is printed.
    """
    console: Console = ctx.obj
    if github and gitlab:
        raise Usage("--github and --gitlab are two code hosts", hint="leave one of them out")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,60}", key):
        raise Usage(f"--key {key!r:.80}: letters, digits, `.`, `_` and `-`", hint="as `--key prod`")
    fails = _codes(fail_on)
    review = _Review.read(folder)
    mark = f"<!-- gpmirror:review:{key} -->"
    text = _comment(mark, review.markdown, artifact)
    if github or gitlab:
        _publish(_host(github=github), text, mark, review.outcome if labels else None, console)
    else:
        console.data(text)
    return review.worst(fails)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Review:
    """What the plans of one run came to."""

    markdown: str
    outcome: str
    codes: tuple[ExitCode, ...]

    @classmethod
    def read(cls, folder: str) -> "_Review":
        """Raises Unreadable: there is none."""
        from gpmirror.adapters.files import read_input
        from gpmirror.layouts import Outcome

        file = str(Path(folder) / "summary.json")
        try:
            found = json.loads(read_input(file))
            codes = tuple(ExitCode(one["exit_code"]) for one in found["specs"])
            outcome = Outcome(found["outcome"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(
                f"{file} is not what `plan --out-dir` writes: {error}", hint="run it again"
            ) from error
        markdown = read_input(str(Path(folder) / "summary.md")).decode("utf-8", "replace")
        return cls(markdown=markdown, outcome=outcome.value, codes=codes)

    def worst(self, fails: frozenset[int]) -> ExitCode:
        """The worst exit code among those that count."""
        from gpmirror.errors import worst_of

        return worst_of(code for code in self.codes if code.value in fails)


def _codes(text: str) -> frozenset[int]:
    """`1,3,6` -> {1, 3, 6}. Raises Usage: no exit codes."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    known = {str(code.value) for code in ExitCode}
    strange = [word for word in words if word not in known]
    if strange:
        raise Usage(
            f"--fail-on {text!r:.80}: {strange[0]!r:.20} is no exit code",
            hint=f"for example `--fail-on {_FAIL_ON}`, or `--fail-on ''` for none",
        )
    return frozenset(map(int, words))


def _comment(mark: str, markdown: str, artifact: str | None) -> str:
    """The whole comment, within the size that code hosts take."""
    where = "the job's files, if it keeps them"
    if artifact is not None:
        where = f"[the job's files]({_plain_url(artifact)})"
    end = f"\nEvery plan as JSON, HTML, SVG and native files: {where}.\n"
    room = _MOST_BYTES - len(mark.encode()) - len(end.encode()) - 1
    if len(markdown.encode()) > room:
        cut = "\n\nThe rest is cut here: too long for one comment.\n"
        kept = markdown.encode()[: room - len(cut.encode())].decode("utf-8", "ignore")
        markdown = kept.rpartition("\n")[0] + cut
    return f"{mark}\n{markdown}{end}"


def _plain_url(url: str) -> str:
    if not re.fullmatch(r"https?://[!-'*-;=?-Z_a-z~]+", url):
        raise Usage(f"--artifact-url {url!r:.80} is no address", hint="as https://host/path")
    return url


def _host(*, github: bool) -> "CodeHost | None":
    from gpmirror.adapters.code_hosts import github_from, gitlab_from

    return github_from(os.environ) if github else gitlab_from(os.environ)


def _publish(
    host: "CodeHost | None", text: str, mark: str, outcome: str | None, console: Console
) -> None:
    """Comment and label; where the token may not, as in a job for a fork, the job goes on."""
    from gpmirror.adapters.code_hosts import Refused, publish
    from gpmirror.layouts import Outcome

    if host is None:
        console.talk("no comment: this job runs for no pull or merge request")
        return
    try:
        console.talk(f"comment: {publish(host, text, mark)}")
        if outcome is not None:
            others = [f"gpmirror: {one.value}" for one in Outcome if one.value != outcome]
            host.set_label(f"gpmirror: {outcome}", others)
            console.talk(f"label: gpmirror: {outcome}")
    except Refused as error:
        console.alarm(f"warning: not commented: {error.message}\nhint: {error.hint}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure(
            f"the code host's answer is not understood: {type(error).__name__}: {error}",
            hint="check the address of its API",
        ) from error
