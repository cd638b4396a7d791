"""The spec's rules, as the plan file carries them: what any plan made of it is judged by."""

from gpmirror.diagnostics import Place
from gpmirror.plan.classify import source_text
from gpmirror.plan.settings import PlannedLoss, PlannedPolicy, PlannedProtection
from gpmirror.spec.model import Policy, Protection, Site, Survive

LOAD_PATH = ("policy", "max_load_factor")
SAME_HOST_PATH = ("mirrors", "allow_same_host")


def planned_policy(site: Site) -> PlannedPolicy:
    """The policy, with the lines it stands in."""
    return PlannedPolicy(
        survive=tuple(
            PlannedLoss(count=one.count, of=one.of, source=source_text(one.place))
            for one in site.policy.survive
        ),
        max_load_factor=site.policy.max_load_factor,
        load_source=source_text(site.place_of(*LOAD_PATH)),
        guards=site.policy.guards,
    )


def planned_protections(site: Site) -> tuple[PlannedProtection, ...]:
    """The protections, with the lines they stand in."""
    return tuple(
        PlannedProtection(content=one.content, host=one.host, source=source_text(one.place))
        for one in site.protect
    )


def same_host_source(site: Site) -> str | None:
    """The line that allows mirrors beside their primaries, if one does."""
    return source_text(site.place_of(*SAME_HOST_PATH)) if site.allow_same_host else None


def policy_of(planned: PlannedPolicy | None) -> Policy:
    """The policy again; None: no rule but the defaults."""
    if planned is None:
        return Policy()
    return Policy(
        survive=tuple(
            Survive(count=one.count, of=one.of, place=source_place(one.source))
            for one in planned.survive
        ),
        max_load_factor=planned.max_load_factor,
        guards=planned.guards,
    )


def protections_of(planned: tuple[PlannedProtection, ...] | None) -> tuple[Protection, ...]:
    """The protections again; None: none."""
    return tuple(
        Protection(content=one.content, host=one.host, place=source_place(one.source))
        for one in planned or ()
    )


def source_place(source: str) -> Place:
    """`file:line` to a place."""
    file, _, line = source.rpartition(":")
    return Place(file=file, line=int(line)) if line.isdigit() else Place(file=source)
