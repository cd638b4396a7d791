"""Options, read by the parser the native tools use, so that its messages are theirs."""

from optparse import SUPPRESS_HELP, OptionParser, Values

from gpmirror.lab.releases import Release
from gpmirror.lab.utilities.failures import BadOption

_HOSTS = ("-B", "--batch-size")
_MOST_HOSTS, _MOST_PER_HOST = 64, 128


def parser(release: Release, program: str, usage: str) -> OptionParser:
    """The options every utility has. Unknown ones end it as optparse does: exit 2."""
    found = OptionParser(prog=program, usage=usage, add_help_option=False)
    found.add_option("-?", "-h", "--help", action="help")
    found.add_option("--version", action="store_true", default=False)
    found.add_option("-v", "--verbose", action="store_true", default=False)
    found.add_option("-q", "--quiet", action="store_true", default=False, help=SUPPRESS_HELP)
    found.add_option("-l", "--logdir", dest="logs")
    word = release.coordinator_word
    names = [f"--{word}-data-directory", f"--{word}_data_directory"]
    found.add_option("-d", *names, dest="data_directory")
    return found


def add_working(found: OptionParser, release: Release) -> None:
    """What gpaddmirrors and gprecoverseg share."""
    found.add_option("-a", action="store_true", dest="quietly", default=False)
    found.add_option("-i", dest="input")
    found.add_option("-o", dest="output")
    add_batches(found, release)


def add_batches(found: OptionParser, release: Release) -> None:
    """`-B`, and what came later: `-b`, `--hba-hostnames`."""
    found.set_defaults(per_host=64)
    found.add_option(*_HOSTS[: 1 if release.old else 2], type="int", default=16, dest="hosts")
    if release.per_host_option:
        found.add_option("-b", "--segment-batch-size", type="int", default=64, dest="per_host")
    if release.hba_hostnames:
        found.add_option("--hba-hostnames", action="store_true", default=False, help=SUPPRESS_HELP)


def check_batches(values: Values, *, old: bool) -> None:
    """Raises BadOption for a batch size out of range."""
    if not 1 <= values.hosts <= _MOST_HOSTS:
        what = "parallelDegree" if old else "batch_size"
        raise BadOption(f"Invalid {what} provided with -B argument: {values.hosts}")
    if not 1 <= values.per_host <= _MOST_PER_HOST:
        message = f"Invalid segment_batch_size provided with -b argument: {values.per_host}"
        raise BadOption(message)


def no_arguments(found: OptionParser, rest: list[str]) -> None:
    """Raises BadOption, after the help, when anything but options was given."""
    if rest:
        found.print_help()
        raise BadOption("too many arguments: only options may be specified")
