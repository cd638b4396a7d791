"""Infers a spec from an observed cluster, mirrored or not, and words what is left to say."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gpmirror.cluster.counting import hosts_named
from gpmirror.cluster.observed import Observed
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.infer.choosing import choose
from gpmirror.infer.facts import gather
from gpmirror.infer.mirrorless import first_spec
from gpmirror.infer.model import Facts, Inferred
from gpmirror.infer.proof import adds_only, prove, remaining
from gpmirror.infer.writing import spec_text
from gpmirror.spec.model import CoordinatorAddress, Offset, Spec

_USUAL_OFFSET = 1000
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
    header = [*_origin(facts, partly), _PROVED, *(f"Left: {one}." for one in left)]
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
    if draft.ports == Offset(_USUAL_OFFSET):
        return ()
    return (f"not the usual {_USUAL_OFFSET}: with it some port would be taken or above 65535",)


def _not_only_adds(facts: Facts) -> Diagnostic:
    return Diagnostic(
        code="GPM-P403",
        message=f"the first spec of {facts.observed.source} would do more than add mirrors",
        hint="start from `gpmirror init` and let `gpmirror plan` show what it does",
    )


_PROVED = "Proved: the plan from the same catalog adds nothing and moves nothing."
