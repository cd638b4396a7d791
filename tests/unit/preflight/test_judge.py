"""Judgement over answers as text: ports, hazards, space, names, tables."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.errors import NotReady
from gpmirror.model.observed import Observed
from gpmirror.model.text import spans
from gpmirror.plan.hazards import HOST_HAZARDS
from gpmirror.plan.model import Plan
from gpmirror.preflight.asking import questions
from gpmirror.preflight.checks import CHECKS
from gpmirror.preflight.directories import locations_to_ask
from gpmirror.preflight.judge import Answers, judge, read_answers, reserved_spans
from gpmirror.preflight.model import Locations, LocationState, Preflight, Result
from gpmirror.preflight.script import scripts
from gpmirror.preflight.shell import END, VERSION
from gpmirror.preflight.space import told
from gpmirror.render.status import preflight_text
from gpmirror.run.preflight import check_preflight, run_preflight
from gpmirror.spec.model import Offset
from tests.clusters import host as spec_host
from tests.clusters import mirrored, mirrorless, planned, spec
from tests.machines import told as listed
from tests.machines import troubles
from tests.plans import moving, seen_before_moves

HOSTS = ("sdw1", "sdw2")
SIZES = dict.fromkeys(range(4), 10**9)
KIB = 976_563
"""A kilobyte more than 10**9 bytes: what du says of each primary."""


def seen(**facts: object) -> Observed:
    from dataclasses import replace

    found: Observed = replace(mirrorless(HOSTS, 2), sizes=SIZES)
    return replace(found, **facts)  # type: ignore[arg-type]


def answer(plan: Plan, observed: Observed, host: str, **changes: str) -> str:
    """A sound host's answer; `changes` replace lines by their key, empty text removes them."""
    asked = questions(plan, observed)[host]
    names = "".join(
        f"10.0.0.{ord(name[-1])} STREAM {name}\n0.0.0.{number} STREAM\n"
        for number, name in enumerate(asked.names, start=1)
    )
    paths = len(asked.parents) + len(asked.sources)
    told_lines = {
        "hostname": f"hostname t{host}",
        "machine": f"machine tid-{host}",
        "login": "login 1000 tgpadmin",
        "clock": "clock 1790000000",
        "shell": "shell 0 x",
        "range": "range 32768 60999",
        "reserved": "reserved x",
        "sockets": "sockets 2",
        "parent": "\n".join("parent -dwxe t/data/mirror t/data/mirror" for _ in asked.parents),
        "place": "\n".join("place - 0" for _ in asked.landings),
        "server": "\n".join("server -e 77" for _ in asked.sources),
        "stat": "\n".join("stat 1000 41c0 66306 gpadmin" for _ in range(paths)),
        "room": "\n".join("room 4096 9000000 8000000 8000000 1000000 900000" for _ in range(paths)),
        "control": "\n".join("control -" for _ in asked.sources),
        "software": "software t/usr/local/greenplum-db/bin",
        "version": "version tpostgres-6.24.3",
        "names": f"names begin\n{names}names end",
        "processes": "processes 0",
        "coordinator": "coordinator yes t/data/master/gpseg-1" if asked.coordinator else "",
        "logs": section("logs", {f"{path}/pg_xlog/": 131_072 for path in asked.copied}),
        "sizes": section("sizes", dict.fromkeys(asked.measured, KIB)),
    } | changes
    return "\n".join([VERSION, *filter(None, told_lines.values()), END, ""])


def section(name: str, kibibytes: Mapping[str, int]) -> str:
    """What du tells under a name."""
    lines = [f"{size}\t{path}" for path, size in kibibytes.items()]
    return "\n".join([f"{name} begin", *lines, f"{name} end"])


def judged(
    observed: Observed, offset: int = 1000, changes: Mapping[str, Mapping[str, str]] | None = None
) -> Preflight:
    return judge(answered(observed, offset, changes))


def answered(
    observed: Observed, offset: int = 1000, changes: Mapping[str, Mapping[str, str]] | None = None
) -> Answers:
    plan = planned(spec(HOSTS, ports=Offset(offset)), observed)
    outputs = {
        host: answer(plan, observed, host, **(changes or {}).get(host, {}))
        for host in questions(plan, observed)
    }
    return read_answers(plan, observed, outputs, {})


def on_sdw2(**changes: str) -> Preflight:
    return judged(seen(), changes={"sdw2": changes})


def test_sound_answers_are_ready() -> None:
    found = judged(seen())
    assert troubles(found) == []
    assert found.hazards == ()
    assert found.notes == ()
    # what these hosts have nothing to say of
    missing = set(CHECKS) - {check.name for check in found.checks}
    silent = {"checksums", "copies", "dry-run", "tablespaces", "utility-names", "utility-options"}
    assert missing <= silent | {"backup-mode"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sockets": ""}, [("ports", "unknown")]),
        ({"sockets": "socket L 00000000:1B58\nsockets 2"}, [("ports", "bad")]),
        ({"sockets": "socket L 0100007F:1B58\nsockets 2"}, [("ports", "bad")]),
        ({"sockets": "socket C 3200000A:1B58\nsockets 2"}, [("ports", "bad")]),
        ({"sockets": "socket L 6300000A:1B58\nsockets 2"}, []),
        ({"sockets": "socket L nonsense\nsockets 2"}, [("ports", "unknown")]),
        ({"machine": "machine x"}, [("identity", "unknown")]),
        ({"login": "login  x"}, [("login", "unknown")]),
        ({"login": "login 0 troot"}, [("login", "bad")]),
        ({"shell": ""}, [("shell", "unknown")]),
        ({"shell": "shell 0 tMOTD"}, [("shell", "bad")]),
        ({"shell": "shell 1 tnologin"}, []),
        ({"software": "software x", "version": ""}, [("software", "bad")]),
        ({"version": "version x"}, [("software", "unknown")]),
        ({"version": "version tpostgres-7.0.0"}, [("software", "bad")]),
        ({"names": "names missing"}, [("names", "unknown")]),
        ({"names": "names begin\nnames end"}, [("names", "unknown")] * 2),
        ({"processes": ""}, [("competing", "unknown")]),
        ({"place": ""}, [("directories", "unknown")] * 2),
        ({"parent": ""}, [("parents", "unknown"), ("space", "unknown"), ("space", "unknown")]),
        ({"stat": ""}, [("space", "unknown")] * 2),
        ({"server": "server - 0\nserver -e 5"}, [("identity", "bad")]),
    ],
)
def test_what_a_host_says_or_keeps_to_itself(
    changes: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    found = [(name, result) for host, name, result in listed(troubles(on_sdw2(**changes)))]
    kept = [one for one in found if one[0] in {name for name, _ in expected} or not expected]
    assert kept == expected


def rooms(line: str, paths: int = 3) -> dict[str, str]:
    return {"room": "\n".join([line] * paths)}


def test_mirrors_on_one_file_system_are_summed() -> None:
    found = on_sdw2(**rooms("room 4096 9000000 500000 500000 1000000 900000"))
    (check,) = troubles(found)
    assert (check.name, check.result) == ("space", "bad")
    assert check.detail == (
        "/data/mirror: 2.0 GB are free, 2 copies need 2.2 GB (content 0, 1; data and WAL as measured "
        "on the primaries' hosts, and a tenth)"
    )
    assert check.override == "low-space"


def test_inodes_run_out() -> None:
    (check,) = troubles(on_sdw2(**rooms("room 4096 9000000 8000000 8000000 1000000 9999")))
    assert (check.name, check.result) == ("inodes", "bad")
    assert "9,999 inodes are free, 2 copies need 10,000" in check.detail


def test_a_file_system_without_inodes_has_enough() -> None:
    assert troubles(on_sdw2(**rooms("room 4096 9000000 8000000 8000000 0 0"))) == []


def test_unknown_sizes_are_bounded_by_the_primaries_file_systems() -> None:
    silent = {"sizes": ""}
    unsized = {"sdw1": silent, "sdw2": silent}
    assert troubles(judged(seen(sizes={}), changes=unsized)) == []
    tight = rooms("room 4096 9000000 1000 1000 1000000 900000") | silent
    found = troubles(judged(seen(sizes={}), changes={"sdw1": tight, "sdw2": tight}))
    assert listed(found) == [("sdw1", "space", "unknown"), ("sdw2", "space", "unknown")]
    assert "size of content 2, 3 is not known" in found[0].detail


def test_tablespaces_that_the_new_host_does_not_use() -> None:
    lines = "server -e 77\ntablespace 0 t/ts/fast/2\nserver -e 78"
    found = troubles(judged(seen(), changes={"sdw1": {"server": lines}}))
    assert listed(found) == [("sdw2", "tablespaces", "unknown")]
    assert "tablespace in /ts/fast; the host did not tell" in found[0].detail
    here = "server -e 77\ntablespace 0 t/ts/fast/4\nserver -e 78"
    both = {"sdw1": {"server": lines}, "sdw2": {"server": here}}
    assert "tablespaces" not in {check.name for check in troubles(judged(seen(), changes=both))}


@pytest.mark.parametrize(
    ("state", "result", "words"),
    [
        ("usable", "ok", "1 tablespace location in place"),
        ("absent", "bad", "content 0 has a tablespace in /ts/fast, which is not there"),
        ("closed", "bad", "content 0 has a tablespace in /ts/fast, which is no directory that"),
        (None, "unknown", "content 0 has a tablespace in /ts/fast; the host did not tell"),
    ],
)
def test_tablespace_locations_that_were_asked_for(
    state: LocationState | None, result: str, words: str
) -> None:
    lines = {"sdw1": {"server": "server -e 77\ntablespace 0 t/ts/fast/2\nserver -e 78"}}
    answers = answered(seen(), changes=lines)
    assert locations_to_ask(answers.found) == {"sdw2": ("/ts/fast",)}
    told: Locations = {"sdw2": {"/ts/fast": state} if state else {}}
    found = judge(replace(answers, found=replace(answers.found, locations=told)))
    (check,) = [check for check in found.checks if check.name == "tablespaces"]
    assert (check.host, check.result) == ("sdw2", result)
    assert words in check.detail


class TwoRounds:
    """Hosts whose second answer tells of a location."""

    def __init__(self, outputs: Mapping[str, str]) -> None:
        self.rounds: list[dict[str, str]] = []
        self._outputs = outputs

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        self.rounds.append(dict(scripts))
        texts = self._outputs if len(self.rounds) == 1 else {"sdw2": "location 0 absent\n"}
        return {host: Answered(host=host, status=0, out=texts[host], err="") for host in scripts}

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        raise NotImplementedError


@pytest.mark.parametrize(("lines", "rounds"), [("tablespace 0 t/ts/fast/2\n", 2), ("", 1)])
def test_hosts_are_asked_twice_only_for_tablespaces(lines: str, rounds: int) -> None:
    observed = seen()
    plan = planned(spec(HOSTS), observed)
    server = f"server -e 77\n{lines}server -e 78"
    outputs = {
        host: answer(plan, observed, host, **({"server": server} if host == "sdw1" else {}))
        for host in questions(plan, observed)
    }
    hosts = TwoRounds(outputs)
    found = run_preflight(plan, observed, hosts)
    assert len(hosts.rounds) == rounds
    if rounds > 1:
        assert list(hosts.rounds[1]) == ["sdw2"]
        assert listed(troubles(found)) == [("sdw2", "tablespaces", "bad")]


def test_checksums_differ() -> None:
    changes = {"sdw1": {"checksums": "checksums t1"}, "sdw2": {"checksums": "checksums t0"}}
    assert listed(troubles(judged(seen(), changes=changes))) == [("sdw2", "checksums", "bad")]


def test_a_name_that_means_another_machine() -> None:
    lines = (
        "names begin\n10.0.0.49 STREAM\n0.0.0.1 STREAM\n10.9.9.9 STREAM\n0.0.0.2 STREAM\nnames end"
    )
    (check,) = troubles(judged(seen(), changes={"mdw": {"names": lines}}))
    assert (check.host, check.name, check.result) == ("mdw", "names", "bad")
    assert "sdw2 is 10.9.9.9 here and 10.0.0.50 on most hosts" in check.detail


def test_a_name_that_is_loopback_at_home_is_a_note() -> None:
    lines = (
        "names begin\n10.0.0.49 STREAM\n0.0.0.1 STREAM\n127.0.1.1 STREAM\n0.0.0.2 STREAM\nnames end"
    )
    found = on_sdw2(names=lines)
    assert troubles(found) == []
    assert "sdw2 is 127.0.1.1 on sdw2 itself and 10.0.0.50 elsewhere" in found.notes[0]


def test_a_clock_that_is_off_is_a_note() -> None:
    assert "clock of sdw2 is +3600 s off" in on_sdw2(clock="clock 1790003600").notes[0]


# --- hazards --------------------------------------------------------------------------------------


def test_ephemeral_ports_are_a_hazard_with_the_line_that_reserves_them() -> None:
    found = judged(seen(), offset=30000)
    assert troubles(found) == []
    (hazard,) = found.hazards
    assert (hazard.name, hazard.contents) == ("ephemeral-port", (0, 1, 2, 3))
    assert "sdw1, sdw2: port 36000-36001 lies inside ip_local_port_range (32768-60999)" in (
        hazard.message
    )
    assert "`sysctl -w net.ipv4.ip_local_reserved_ports=36000-36001`" in hazard.message


def test_reserving_keeps_what_is_reserved() -> None:
    changes = {"sdw2": {"reserved": "reserved t36000,50000-50010"}}
    found = judged(seen(), offset=30000, changes=changes)
    lines = [hazard.message for hazard in found.hazards if "sdw2" in hazard.message]
    assert "ip_local_reserved_ports=36000,50000-50010,36001`" in lines[0]


def test_reserved_ports_are_no_hazard() -> None:
    reserved = {"reserved": "reserved t36000-36001"}
    found = judged(seen(), offset=30000, changes={"sdw1": reserved, "sdw2": reserved})
    assert found.hazards == ()


def test_a_hazard_is_allowed_by_the_plan_or_the_caller() -> None:
    observed = seen()
    plan = planned(spec(HOSTS, ports=Offset(30000)), observed)
    outputs = {host: answer(plan, observed, host) for host in questions(plan, observed)}
    for allowed, expected in ((("ephemeral-port",), True), (("same-machine",), False)):
        (hazard,) = judge(read_answers(plan, observed, outputs, {}), allowed=allowed).hazards
        assert hazard.allowed is expected
        assert hazard.name in HOST_HAZARDS


@pytest.mark.parametrize(
    ("text", "pairs"),
    [("", []), ("7000", [(7000, 7000)]), ("1-3,9", [(1, 3), (9, 9)]), ("x,-,5-", [(5, 5)])],
)
def test_reserved_ports_are_read(text: str, pairs: list[tuple[int, int]]) -> None:
    assert reserved_spans(text) == pairs


def test_ports_are_told_as_spans() -> None:
    assert spans([7000, 7001, 7003]) == "7000-7001,7003"


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (10**17, "100.0 PB")]
)
def test_amounts(amount: int, text: str) -> None:
    assert told(amount) == text


# --- the table, the report, the workflow --------------------------------------------------------------


def test_every_check_has_its_page() -> None:
    for name, check in CHECKS.items():
        assert name.replace("-", "").isalpha()
        assert all(text.endswith(".") for text in (check.what, check.why, check.remedy)), name


def test_unknown_blocks_unless_it_is_allowed_and_bad_blocks_always() -> None:
    found = on_sdw2(sockets="", shell="shell 0 tMOTD")
    assert {check.name for check in found.blocking(())} == {"ports", "shell"}
    assert {check.name for check in found.blocking({"unchecked:ports", "unchecked:shell"})} == {
        "shell"
    }


class Canned:
    """Hosts that answer with prepared texts."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self.replies = replies
        self.asked: list[Mapping[str, str]] = []

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        self.asked.append(scripts)
        return {host: self.replies[host] for host in scripts}

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        raise AssertionError("nothing is changed")


def test_one_round_trip_and_silence_is_bad() -> None:
    observed = seen()
    plan = planned(spec(HOSTS), observed)
    replies: dict[str, Reply] = {
        host: Answered(host=host, status=0, out=answer(plan, observed, host), err="")
        for host in questions(plan, observed)
    }
    why = Silence.UNREACHABLE
    replies["sdw2"] = NoAnswer(host="sdw2", why=why, message="sdw2: no route", hint="cable?")
    hosts = Canned(replies)
    found = run_preflight(plan, observed, hosts)
    assert hosts.asked == [scripts(plan, observed)]
    (check,) = [check for check in found.checks if check.result is not Result.OK]
    assert (check.host, check.name, check.detail, check.remedy) == (
        "sdw2",
        "reachable",
        "sdw2: no route",
        "cable?",
    )


def test_the_report() -> None:
    observed = seen()
    plan = planned(spec(HOSTS, ports=Offset(30000)), observed)
    changes = {"sdw2": {"sockets": "", "shell": "shell 0 x1b5b31"}}
    found = judged(observed, offset=30000, changes=changes)
    text = preflight_text(plan, found, width=100, color=False)
    assert "\x1b" not in text
    assert "sdw2  10    1        1" in text
    assert "  bad  shell: a shell that runs no command prints" in text
    assert "`--allow unchecked:ports` when planning or applying" in text
    assert "\nHazards\n  ephemeral-port" in text
    assert "31 checks on 3 hosts: 29 ok, 1 bad, 1 unknown. Not ready." in text


def test_it_is_not_ready_where_apply_would_refuse() -> None:
    observed = seen()
    plan = planned(spec(HOSTS, ports=Offset(30000)), observed)
    text = preflight_text(plan, judged(observed, offset=30000), width=200, color=False)
    assert text.endswith(" all ok. Not ready: apply refuses (4) without --allow ephemeral-port.\n")
    allowed = replace(plan, allowed=("ephemeral-port",))
    outputs = {host: answer(allowed, observed, host) for host in questions(allowed, observed)}
    found = judge(read_answers(allowed, observed, outputs, {}))
    assert preflight_text(allowed, found, width=200, color=False).endswith("Ready.\n")


def test_hazards_and_guards_of_the_plan_count_too() -> None:
    plan = moving()
    text = preflight_text(plan, Preflight(checks=(), hazards=()), width=400, color=False)
    assert "--unprotect content:4" in text.splitlines()[-1]
    assert "--allow guard:moves_percent" in text.splitlines()[-1]
    assert "guard" not in plan.allowed


def test_too_little_room_may_be_overridden_by_name() -> None:
    found = on_sdw2(**rooms("room 4096 9000000 500000 500000 1000000 900000"))
    (check,) = troubles(found)
    assert found.blocking(()) == (check,)
    assert found.blocking({"unchecked:space"}) == (check,)
    assert found.blocking({"low-space"}) == ()
    assert found.overridden({"low-space"}) == (check,)
    observed = seen()
    plan = planned(spec(HOSTS), observed)
    with pytest.raises(NotReady) as caught:
        check_preflight(plan, found, ())
    assert "2.0 GB are free, 2 copies need 2.2 GB" in caught.value.message
    assert (caught.value.hint or "").endswith("--allow low-space")
    allowed = replace(plan, allowed=("low-space",))
    text = preflight_text(allowed, found, width=200, color=False)
    assert "2.0 GB are free, 2 copies need 2.2 GB" in text
    assert "-> allowed by `--allow low-space`" in text
    assert text.endswith("Ready, over what low-space allows.\n")


def test_a_filespace_s_disk_needs_the_filespace_alone() -> None:
    """157 MB were demanded where 8 MB go (5.8.1)."""
    hosts = [
        replace(spec_host(name), filespace_roots=(("fast", ("/fast/mirror",)),)) for name in HOSTS
    ]
    whole = replace(mirrorless(HOSTS, 2, dialect="gp5"), sizes=SIZES, filespaces=("fast",))
    rows = [replace(row, filespaces=(("fast", f"/fast/p{row.content}"),)) for row in whole.segments]
    observed = replace(whole, segments=tuple(rows))
    plan = planned(spec(hosts), observed)

    def told_by(name: str, kilobytes: int) -> dict[str, str]:
        asked = questions(plan, observed)[name]
        sizes = {path: kilobytes if path.startswith("/fast") else KIB for path in asked.measured}
        statuses = [
            f"stat 1000 41c0 {2 if path.startswith('/fast') else 1} gpadmin"
            for path in [*asked.parents, *(one.path for one in asked.sources)]
        ]
        free = [
            f"room 4096 900 900 {20_000 if path.startswith('/fast') else 9_000_000} 0 0"
            for path in [*asked.parents, *(one.path for one in asked.sources)]
        ]
        parents = "\n".join(f"parent -dwxe t{path} t{path}" for path in asked.parents)
        return {
            "parent": parents,
            "stat": "\n".join(statuses),
            "room": "\n".join(free),
            "sizes": section("sizes", sizes),
        }

    found = []
    for kilobytes, expected in ((8_000, []), (40_000, [("sdw1", "space", "bad")])):
        outputs = {
            name: answer(
                plan, observed, name, **(told_by(name, kilobytes) if name != "mdw" else {})
            )
            for name in questions(plan, observed)
        }
        found = troubles(judge(read_answers(plan, observed, outputs, {})))
        assert listed(found)[:1] == expected
    assert found[0].detail == (
        "/fast/mirror: 81.9 MB are free, 2 copies need 90.1 MB (content 2, 3; filespace fast as "
        "measured on the primaries' hosts, and a tenth)"
    )


def test_a_plan_without_changes_asks_the_coordinator_alone() -> None:
    observed = mirrored(HOSTS, 2)
    plan = planned(spec(HOSTS), observed)
    assert list(questions(plan, observed)) == ["mdw"]


def test_slots_that_the_plan_frees_are_no_trouble() -> None:
    plan, observed = moving(), seen_before_moves()
    asked = questions(plan, observed)
    landings = [one for found in asked.values() for one in found.landings]
    assert len(landings) == sum(len(wave.steps) for wave in plan.waves)
    held = {(row.hostname, row.port) for row in observed.segments if not row.is_acting_primary}
    for host, found in asked.items():
        for binding in found.bindings:
            assert binding.held == ((host, binding.port) in held)


def test_replication_ports_that_primaries_get_are_asked_for_too() -> None:
    """Before 6 `add` gives the primaries one as well, on their own hosts."""
    observed = replace(mirrorless(HOSTS, 2, dialect="gp5"), sizes=SIZES)
    plan = planned(spec(HOSTS), observed)
    asked = questions(plan, observed)
    assert sorted(binding.port for binding in asked["sdw1"].bindings) == [
        *(7000, 7001, 8000, 8001),
        *(9000, 9001),
    ]
    taken = f"socket L 00000000:{9000:04X}\nsockets 2"
    outputs = {
        host: answer(plan, observed, host, **({"sockets": taken} if host == "sdw1" else {}))
        for host in asked
    }
    found = troubles(judge(read_answers(plan, observed, outputs, {})))
    assert listed(found) == [("sdw1", "ports", "bad")]
    assert "content 0: port 9000" in found[0].detail
