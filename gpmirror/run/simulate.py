"""From a plan, a spec, a snapshot or catalog text to the layouts whose failure is simulated."""

import json
from collections.abc import Mapping, Sequence

from gpmirror.catalog import read_catalog
from gpmirror.errors import Usage
from gpmirror.infer.facts import gather
from gpmirror.inputs import InputKind, kind_of
from gpmirror.model.content import Content, Walk, contents_of
from gpmirror.model.layout import Layout, Pair
from gpmirror.model.observed import Observed
from gpmirror.placement.place import place
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import read_plan
from gpmirror.plan.rebuild import observed_of
from gpmirror.plan.remaining import hosts_of
from gpmirror.simulate import (
    Loss,
    Survey,
    lose_targets,
    parse_targets,
    survey,
    survey_json,
    survey_text,
)
from gpmirror.spec import load
from gpmirror.spec.model import Spec
from gpmirror.values import dataclass

# --- A plan played in mind: who holds which copy before it, during each wave, after it.


_WAVES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A layout at one moment. `danger` ranks waves: contents that the worst single host would take
    with it, then contents with one copy; None before and after.
    """

    title: str
    layout: Layout
    danger: tuple[int, int] | None = None


def replay(plan: Plan) -> tuple[Moment, ...]:
    """Before, during each wave, after: what the plan's own catalog becomes, step by step. Raises
    InvalidInput where a row stands on a host that the plan does not know.
    """
    walk = Walk(_contents(plan))
    moments = [Moment(title="before the plan", layout=_layout(plan, walk.contents))]
    for wave in plan.waves:
        walk.begin(wave.steps)
        title = f"during wave {wave.number} of {len(plan.waves)} ({wave.action.value})"
        danger = (walk.at_stake.worst()[1], walk.at_stake.single_count)
        moments.append(Moment(title=title, layout=_layout(plan, walk.contents), danger=danger))
        walk.end(wave.steps)
    return (*moments, Moment(title="after the plan", layout=_layout(plan, walk.contents)))


def ends(plan: Plan) -> tuple[Layout, Layout]:
    """The layouts before the plan and after it, by preferred role, as far as copies live. Raises
    InvalidInput as `replay` does.
    """
    contents = _contents(plan)
    before = _layout(plan, contents)
    for wave in plan.waves:
        for step in wave.steps:
            contents[step.content] = contents[step.content].after(step.to)
    return before, _layout(plan, contents)


def _contents(plan: Plan) -> dict[int, Content]:
    assert plan.catalog is not None  # noqa: S101 - `read_plan` refuses plans without it
    observed = observed_of(plan, plan.catalog)
    return contents_of(observed, hosts_of(plan, observed).host_of)


def _layout(plan: Plan, contents: Mapping[int, Content]) -> Layout:
    hosts = plan.desired.hosts
    return Layout(
        pairs=tuple(contents[number].live for number in sorted(contents)),
        hosts=tuple(host.name for host in hosts),
        racks={host.name: host.rack for host in hosts if host.rack is not None},
    )


def worst_moments(moments: Sequence[Moment]) -> tuple[list[Moment], str | None]:
    """The moments to show, in order, and a remark where waves were left out."""
    waves = [moment for moment in moments if moment.danger is not None]
    if len(waves) <= _WAVES_SHOWN:
        return list(moments), None
    ranked = sorted(waves, key=lambda moment: moment.danger or (0, 0), reverse=True)
    shown = {moment.title for moment in ranked[:_WAVES_SHOWN]}
    kept = [moment for moment in moments if moment.danger is None or moment.title in shown]
    return kept, f"the {_WAVES_SHOWN} worst of {len(waves)} waves are shown; --json has all"


# --- From a plan, a spec, a snapshot or catalog text to the layouts whose failure is simulated.


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file's bytes and name."""

    data: bytes
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to lose: `targets` as given (`host:x`, `rack:a`), together; empty: everything in turn.
    `lists_pairs` asks for every fatal pair of hosts, not their number alone.
    """

    targets: tuple[str, ...] = ()
    lists_pairs: bool = False


def moments_of(subject: Input, catalog: Input | None, table: int | None) -> tuple[Moment, ...]:
    """The layouts to judge: one of a catalog or a spec, several of a plan.

    Raises Usage for a spec without a catalog, or a catalog where none belongs; InvalidInput and
    Infeasible as reading and placing do.
    """
    kind = kind_of(subject.data)
    if kind is not InputKind.SPEC and catalog is not None:
        raise Usage(
            f"{subject.name} is a {kind.value}, which needs no --catalog",
            hint="leave --catalog out, or name a spec",
        )
    match kind:
        case InputKind.PLAN:
            return replay(read_plan(subject.data, subject.name))
        case InputKind.SPEC:
            return (_desired(subject, catalog, table),)
        case _:
            return (_observed(read_catalog(subject.data, subject.name, table=table)),)


def desired_moment(spec: Spec, observed: Observed) -> Moment:
    """The layout that a spec wants over these primaries. Raises as placing does."""
    pairs = [
        Pair(placed.content, placed.primary_slot.host, placed.mirror.host)
        for placed in place(spec, observed).contents
    ]
    layout = Layout(
        pairs=tuple(sorted(pairs, key=lambda pair: pair.content)),
        hosts=tuple(host.name for host in spec.hosts),
        racks={host.name: host.rack for host in spec.hosts if host.rack is not None},
    )
    return Moment(title=f"desired layout of {spec.file}", layout=layout)


def simulated_text(moments: Sequence[Moment], question: Question) -> str:
    """One titled section for each moment; of a long plan the worst waves."""
    shown, remark = worst_moments(moments)
    sections = [_section(moment, question) for moment in shown]
    return "\n".join([*sections, *((f"{remark}\n",) if remark else ())])


def simulated_json(moments: Sequence[Moment], question: Question) -> str:
    """The survey of the only moment, else all of them under `sections`."""
    found = [_document(moment, question) for moment in moments]
    body = found[0] if len(found) == 1 else {"format_version": "1.0", "sections": found}
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _section(moment: Moment, question: Question) -> str:
    if not question.targets:
        return survey_text(
            survey(moment.layout, pairs=question.lists_pairs), title=f"{moment.title}:"
        )
    counted = survey(moment.layout, pairs=False)
    text = survey_text([_loss(moment.layout, question)], title=f"{moment.title}:")
    return f"{text}fatal host pairs: {counted.fatal_pair_count} of {counted.pair_count}\n"


def _document(moment: Moment, question: Question) -> object:
    simulated: Survey | list[Loss] = survey(moment.layout, pairs=question.lists_pairs)
    if question.targets:
        simulated = [_loss(moment.layout, question)]
    return survey_json(simulated, title=moment.title)


def _loss(layout: Layout, question: Question) -> Loss:
    return lose_targets(layout, parse_targets(question.targets, layout))


def _desired(subject: Input, catalog: Input | None, table: int | None) -> Moment:
    if catalog is None:
        raise Usage(
            f"{subject.name} is a spec: where the primaries are stands in the catalog",
            hint="add `--catalog FILE`, or simulate a plan or a catalog",
        )
    spec = load(subject.data, subject.name)
    return desired_moment(
        spec, read_catalog(catalog.data, catalog.name, dialect=spec.dialect, table=table)
    )


def _observed(observed: Observed) -> Moment:
    """Preferred roles; a copy that is down counts as absent, and so does a mirror not in sync."""
    facts = gather(observed)
    contents = contents_of(observed, facts.host_of)
    pairs = tuple(content.live for _, content in sorted(contents.items()))
    down = sum(row.content >= 0 and not row.is_up for row in observed.segments)
    behind = sum(
        one.idle is not None and one.idle.row.is_up and not one.idle.lives
        for one in contents.values()
    )
    title = f"observed layout of {observed.source}"
    absent = down + behind
    if absent:
        words = " or not in sync" if behind and down else " not in sync" if behind else ""
        what = f"{' down' if down else ''}{words}"
        title += f" ({absent} {'copies' if absent > 1 else 'copy'}{what}: counted as absent)"
    return Moment(title=title, layout=Layout(pairs=pairs, hosts=tuple(facts.hosts)))
