"""A first spec for a cluster without mirrors: group, offset 1000, roots guessed."""

from collections.abc import Iterator
from dataclasses import replace

from gpmirror.cluster.hostlist import entry_count
from gpmirror.cluster.segment import Segment
from gpmirror.errors import DiagnosedError
from gpmirror.infer.directories import DEFAULT, root_of, template_of
from gpmirror.infer.model import Facts
from gpmirror.infer.rings import candidate_rings
from gpmirror.infer.roots import roots_by_host
from gpmirror.placement import place
from gpmirror.placement.names import DirectoryTemplate
from gpmirror.spec.model import Host, Offset, Spec, Strategy

_STEP = 1000
_MAX_PORT = 65_535
UNOBSERVED = ("/data/mirror",)


def first_spec(facts: Facts) -> Spec:
    """The spec. Raises as placement does when no multiple of 1000 serves as offset."""
    ring = min(candidate_rings(facts), key=entry_count)
    directory = _mirror_template(facts)
    guessed = _guessed_roots(facts, None)
    further = {name: _guessed_roots(facts, name) for name in facts.observed.filespaces}
    hosts = [
        replace(
            facts.hosts[name],
            roots=guessed.get(name, UNOBSERVED),
            filespace_roots=tuple(
                (filespace, roots.get(name, UNOBSERVED))
                for filespace, roots in sorted(further.items())
            ),
        )
        for name in ring
    ]
    return _with_offset(facts, _spec(hosts, directory))


def _spec(hosts: list[Host], directory: str) -> Spec:
    return Spec(
        cluster="imported",
        hosts=tuple(hosts),
        strategy=Strategy.GROUP,
        ports=Offset(_STEP),
        directory=directory,
        allow_same_host=len(hosts) == 1,
    )


def _with_offset(facts: Facts, spec: Spec) -> Spec:
    """The spec with the first offset under which every port is legal and free."""
    first: DiagnosedError | None = None
    for offset in _offsets():
        tried = replace(spec, ports=Offset(offset))
        try:
            place(tried, facts.observed)
        except DiagnosedError as problem:
            first = first or problem
            if not _is_about_ports(problem):
                break
        else:
            return tried
    assert first is not None  # noqa: S101 - some offset was tried
    raise first


def _offsets() -> Iterator[int]:
    yield from range(_STEP, _MAX_PORT, _STEP)
    yield from range(-_STEP, -_MAX_PORT, -_STEP)


def _is_about_ports(problem: DiagnosedError) -> bool:
    return all(found.code in {"GPM-P110", "GPM-P111"} for found in problem.diagnostics)


def _mirror_template(facts: Facts) -> str:
    """`mirror3` where primaries are called `primary3`, else the default."""
    if "primary" not in facts.prefix:
        return DEFAULT
    return f"{{root}}/{facts.prefix.replace('primary', 'mirror')}{{content}}"


def _guessed_roots(facts: Facts, filespace: str | None) -> dict[str, tuple[str, ...]]:
    """Roots by host from the primaries' directories, in their order; empty where unknown."""
    primaries = [row for rows in facts.primaries.values() for row in rows]
    known = [(path, row.content) for row in primaries if (path := _path(row, filespace))]
    template = template_of(known, facts.prefix)
    turns = {
        host: [
            (index, _guess(facts, template, row, path))
            for index, row in enumerate(rows)
            if (path := _path(row, filespace))
        ]
        for host, rows in facts.primaries.items()
    }
    return roots_by_host({host: found for host, found in turns.items() if found})


def _path(row: Segment, filespace: str | None) -> str | None:
    return row.directory if filespace is None else dict(row.filespaces).get(filespace)


def _guess(facts: Facts, template: DirectoryTemplate, row: Segment, path: str) -> str:
    root = root_of(template, path, row.content, facts.home[row.content])
    root = root or path.rpartition("/")[0] or path
    if "primary" in root or "primary" in facts.prefix:
        return root.replace("primary", "mirror")
    above = root.rpartition("/")[0] if root.count("/") > 1 else root
    mirror = f"{above}/mirror"
    return mirror if mirror != root else f"{root}/mirror"
