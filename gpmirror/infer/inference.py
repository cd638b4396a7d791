"""Infers a spec from an observed cluster, mirrored or not, and words what is left to a person."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import DiagnosedError, InvalidInput
from gpmirror.infer.facts import Facts, Inferred, gather
from gpmirror.infer.fit import ProvedSpec, adds_only, choose, prove, remaining, spec_text
from gpmirror.infer.rings import candidate_rings
from gpmirror.infer.slots import DEFAULT, USUAL_OFFSET, root_of, roots_by_host, template_of
from gpmirror.model.names import entry_count
from gpmirror.model.observed import Observed
from gpmirror.model.segment import MAX_PORT, Segment
from gpmirror.model.text import counted, hosts_named
from gpmirror.placement.hosts import DirectoryTemplate
from gpmirror.placement.place import place
from gpmirror.spec.model import CoordinatorAddress, Host, Offset, Spec, Strategy

# --- A first spec for a cluster without mirrors: group, offset 1000, roots guessed.


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
        ports=Offset(USUAL_OFFSET),
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
    yield from range(USUAL_OFFSET, MAX_PORT, USUAL_OFFSET)
    yield from range(-USUAL_OFFSET, -MAX_PORT, -USUAL_OFFSET)


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


# --- Infers a spec from an observed cluster, mirrored or not, and words what is left to say.


_NOT_TOLD = CoordinatorAddress()


def infer_spec(
    observed: Observed,
    *,
    name: str,
    coordinator: CoordinatorAddress = _NOT_TOLD,
    partly: str | None = None,
) -> Inferred:
    """The smallest spec of this catalog, named `name`, with the `coordinator` that it was read from.

    `partly` is the remark on rows that are new segments of a larger cluster, about whose plan nobody
    knows anything yet; None: they are the whole cluster.

    Proved before it is returned: the plan from the same observed cluster adds and moves nothing,
    or, where nothing is mirrored yet, does nothing but add. Raises InvalidInput (GPM-P40n) and
    Infeasible where no spec can say it.
    """
    facts = gather(observed)
    if not facts.target:
        return _first(facts, name, coordinator, partly)
    chosen = choose(facts, name)
    left = (*remaining(chosen.plan), *_about_roots(facts, chosen.draft))
    header = [
        *_origin(facts, partly),
        _PROVED,
        *_why_balanced(chosen),
        *(f"Left: {one}." for one in left),
    ]
    draft = replace(chosen.draft, coordinator=coordinator)
    return _finished(facts, draft, header, left, partly=partly)


def _first(
    facts: Facts, name: str, coordinator: CoordinatorAddress, partly: str | None
) -> Inferred:
    draft = replace(first_spec(facts), cluster=name, coordinator=coordinator)
    count = len(facts.home)
    mirrors = f"{count} mirror{'s' * (count != 1)}"
    said = [] if partly else [f"nothing is mirrored yet: the plan would add {mirrors}"]
    if not _unobserved(facts):
        said.append("the roots are guessed from the primaries' directories: check them")
    header = [*_origin(facts, partly), *map(_sentence, said)]
    return _finished(facts, draft, header, tuple(said), _about_offset(draft), partly=partly)


def _finished(
    facts: Facts,
    draft: Spec,
    header: Sequence[str],
    left: tuple[str, ...],
    notes: Sequence[str] = (),
    *,
    partly: str | None,
) -> Inferred:
    unobserved = _unobserved(facts)
    guessed = {host.name for host in draft.hosts if unobserved or not facts.mirrors.get(host.name)}
    further = map(_sentence, (*facts.remarks, *unobserved))
    text = spec_text(draft, [*header, *further], notes, guessed)
    spec, plan = prove(text, facts.observed)
    if not facts.target and not adds_only(plan):
        raise InvalidInput([_not_only_adds(facts)])
    return Inferred(
        text=text,
        spec=spec,
        strategy=spec.strategy,
        pins=len(spec.pins),
        remarks=(*left, *facts.remarks, *unobserved, *((partly,) if partly else ())),
        plan=plan,
    )


def _origin(facts: Facts, partly: str | None) -> Iterator[str]:
    source = facts.observed.source.rpartition("/")[2]
    contents, hosts = len(facts.home), len(facts.hosts)
    new = "new " if partly else ""
    yield (
        f"Written by `gpmirror import` from {source}: {contents} {new}content"
        f"{'s' * (contents != 1)} on {hosts} host{'s' * (hosts != 1)}, {facts.observed.dialect.title}."
    )
    if partly:
        yield _sentence(partly)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _why_balanced(chosen: ProvedSpec) -> Iterator[str]:
    """What speaks for balanced where the other strategies would need more pins."""
    pins = len(chosen.draft.pins)
    if chosen.draft.strategy is not Strategy.BALANCED:
        return
    if pins:
        yield f"Balanced with {counted(pins, 'pin')}: apart from pinned mirrors, hosts hold fair shares."
    else:
        yield "Balanced without pins: every host holds a fair share of the mirrors."
    beaten = chosen.beaten
    if beaten is None:
        yield "No other strategy comes near it."
    else:
        name = beaten.strategy.value.capitalize()
        yield f"{name}, the next best strategy, would need {counted(len(beaten.pins), 'pin')}."


def _unobserved(facts: Facts) -> tuple[str, ...]:
    if facts.observed.directories_known:
        return ()
    return ("the catalog text does not show directories: `roots` are not observed, correct them",)


def _about_roots(facts: Facts, draft: Spec) -> tuple[str, ...]:
    """Hosts without a mirror get the roots of another: a spec cannot leave them out."""
    empty = [
        host.name
        for host in draft.hosts
        if host.roots and host.weight and not facts.mirrors.get(host.name)
    ]
    if not empty or not facts.observed.directories_known:
        return ()
    which = "its `roots` are" if len(empty) == 1 else "their `roots` are"
    return (f"no mirror stands on {hosts_named(empty)}: {which} guessed from another host's",)


def _about_offset(draft: Spec) -> tuple[str, ...]:
    if draft.ports == Offset(USUAL_OFFSET):
        return ()
    return (f"not the usual {USUAL_OFFSET}: with it some port would be taken or above 65535",)


def _not_only_adds(facts: Facts) -> Diagnostic:
    return Diagnostic(
        code="GPM-P403",
        message=f"the first spec of {facts.observed.source} would do more than add mirrors",
        hint="start from `gpmirror init` and let `gpmirror plan` show what it does",
    )


_PROVED = "Proved: the plan from the same catalog adds nothing and moves nothing."
