"""The diagnostics of planning, for `gpmirror explain`."""

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place
from gpmirror.errors import InvalidInput

OTHER_HOSTS = "GPM-P311"
"""Of `whatif`: hosts that come and go."""

CODES = {
    "GPM-P301": CodeInfo(
        title="a selection of contents cannot be read",
        why="`--content` takes content IDs and ranges.",
        fix="Write them separated by commas: `--content 3,7-9`.",
    ),
    "GPM-P302": CodeInfo(
        title="a selection names what the cluster does not have",
        why="A selection that silently matched nothing would look like a cluster without changes.",
        fix="Correct the content ID or the host name.",
    ),
    "GPM-P303": CodeInfo(
        title="a name to allow or unprotect does not exist",
        why="A slip here would leave the plan refused, or allow more than was meant.",
        fix="Use one of the names in the message.",
    ),
    "GPM-P304": CodeInfo(
        title="a selection cuts an indivisible run",
        why="gpaddmirrors takes one line for every primary, and gprecoverseg -r switches every pair "
        "back; neither can do a part.",
        fix="Leave out `--content` and `--host`.",
    ),
    "GPM-P305": CodeInfo(
        title="unknown name",
        why="`explain` knows codes, hazards, guards, host checks, exit codes and terms of the glossary. "
        "Codes are stable: one that is not known is mistyped, or from a newer gpmirror.",
        fix="Use one of the names in the hint; a code is printed in brackets before each finding.",
    ),
    "GPM-P306": CodeInfo(
        title="the release's utilities cannot do what is asked",
        why="An option that a utility does not know ends it before it did anything, in every run.",
        fix="Leave the key or the flag out, or use one of the releases in the message.",
    ),
    OTHER_HOSTS: CodeInfo(
        title="a host to add or to remove in `whatif` cannot be",
        why="A name that is mistyped, there already or given twice would compare another cluster than "
        "the one that is meant.",
        fix="Add hosts that the spec does not list, with names and addresses of their own, and remove "
        "hosts that it lists; `--add-host 'sdw[9-12]:1:b'` adds four with weight 1 in rack b.",
    ),
    "GPM-P801": CodeInfo(
        title="a plan file was edited",
        why="What was reviewed is what runs: the id covers every byte of the plan.",
        fix="Make the plan again.",
    ),
    "GPM-P802": CodeInfo(
        title="a file is not a plan",
        why="It is not JSON, or lacks what a plan has.",
        fix="Pass a file written by `gpmirror plan -o`.",
    ),
    "GPM-P803": CodeInfo(
        title="a plan of a newer major format",
        why="A newer format may say things this version would not understand.",
        fix="Use the gpmirror that wrote it, or make the plan again.",
    ),
    "GPM-P804": CodeInfo(
        title="a plan file says what gpmirror would not",
        why="The id is a checksum that anybody can compute again, and a plan file is run like a "
        "script. So whoever reads one makes the plan again from the catalog, the layout and the "
        "settings in it, and refuses the file where the two differ.",
        fix="Make the plan again, and find out who changed this one.",
    ),
    "GPM-P805": CodeInfo(
        title="a plan file without its catalog",
        why="Nothing in it can be checked: an earlier gpmirror wrote it, or the part was cut out.",
        fix="Make the plan again.",
    ),
}

REVIEW_ONLY = CodeInfo(
    title="the plan is for review only: its catalog does not show the directories",
    why="4.3 and 5 keep directories in pg_filespace_entry. Without it the lines of native files are "
    "incomplete, so `gpmirror apply` and `gpmirror preflight` refuse the plan (5).",
    fix="Plan over the live catalog (without `--catalog`), over a snapshot (`gpmirror snapshot`), or "
    "over a text that also holds `SELECT * FROM pg_filespace_entry`. Directories that gpstate prints "
    "are not read.",
)
"""What `explain review-only` says."""

REVIEW_ONLY_WARNING = (
    "the catalog text does not show data directories (no pg_filespace_entry): this plan is "
    "for review only"
)


def file_refusal(code: str, message: str, name: str, hint: str) -> InvalidInput:
    """What refuses a plan file as a whole."""
    return InvalidInput([Diagnostic(code=code, message=message, place=Place(file=name), hint=hint)])
