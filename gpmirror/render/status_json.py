"""The state of a live cluster's copies for programs."""

import json

from gpmirror.cluster.segment import Segment
from gpmirror.errors import CannotDispatch
from gpmirror.preflight.model import Check
from gpmirror.render.status import counts, knowledge, standby_of, standby_streams, switched_contents
from gpmirror.verify.model import ContentHealth, CopyState
from gpmirror.workflow.status import Reading

FORMAT_VERSION = "1.0"


def status_json(reading: Reading, *, cluster: str | None) -> str:
    """The whole status as indented JSON."""
    return json.dumps(_document(reading, cluster), indent=1, ensure_ascii=False) + "\n"


def status_json_line(reading: Reading, *, cluster: str | None) -> str:
    """The same on one line, for a stream of readings."""
    return json.dumps(_document(reading, cluster), ensure_ascii=False) + "\n"


def _document(reading: Reading, cluster: str | None) -> dict[str, object]:
    found, health = reading.observed, reading.health
    states = counts(health)
    return {
        "format_version": FORMAT_VERSION,
        "cluster": cluster,
        "server": found.source,
        "dialect": found.dialect.name.value,
        "server_version": found.server_version,
        "all_synced": health.all_synced,
        "counts": {
            "contents": len(health.contents),
            **{state.value: states[state] for state in CopyState},
            "switched": len(switched_contents(health)),
        },
        "coordinator": _place(found.coordinator),
        "standby": _standby(reading),
        "contents": [_content(one) for one in health.contents],
        "notes": list(found.notes),
        "knowledge": {
            "freshness": reading.freshness.value,
            "probe_interval": reading.interval,
            "text": knowledge(reading),
        },
        "trouble": _trouble(reading.trouble),
        "hosts": None if reading.copies is None else [_check(one) for one in reading.copies],
    }


def _content(found: ContentHealth) -> dict[str, object]:
    return {
        "content": found.content,
        "state": found.state.value,
        "reason": found.reason,
        "switched": found.switched,
        "primary": found.primary,
        "mirror": found.mirror,
        "lag_bytes": found.lag_bytes,
        "help": found.help or None,
    }


def _check(found: Check) -> dict[str, object]:
    return {
        "host": found.host,
        "result": found.result.value,
        "detail": found.detail,
        "remedy": found.remedy or None,
    }


def _trouble(found: CannotDispatch | None) -> dict[str, object] | None:
    if found is None:
        return None
    refused = [
        {"content": content, "address": place} for content, place in sorted(found.refused.items())
    ]
    return {"message": found.message, "detail": found.detail, "refused": refused}


def _standby(reading: Reading) -> dict[str, object] | None:
    standby = standby_of(reading)
    if standby is None:
        return None
    return {
        "place": _place(standby),
        "up": standby.is_up,
        "streaming": standby_streams(reading),
    }


def _place(row: Segment | None) -> str | None:
    return None if row is None else f"{row.hostname}:{row.port}"
