"""The codes of findings about native files and command lines, with the page behind each."""

from gpmirror.diagnostics import CodeInfo

_OWN_LINE = "Write one mirror a line, in the fields that the message names."


def _code(title: str, why: str, fix: str) -> CodeInfo:
    return CodeInfo(title=title, why=why, fix=fix)


CODES: dict[str, CodeInfo] = {
    "GPM-N001": _code(
        "The file is not UTF-8 text",
        "Bytes that are no text cannot name a host or a directory.",
        "Save the file as UTF-8, or as plain ASCII.",
    ),
    "GPM-N002": _code(
        "The file begins with a byte order mark",
        "The utilities take the mark for part of the first field and refuse the line.",
        "Save the file without a byte order mark.",
    ),
    "GPM-N003": _code(
        "A look-alike stands where an ASCII character is meant",
        "A full-width colon, as web pages and input methods make it, separates nothing: the "
        "utilities see one long field.",
        "Replace the character with the one that the hint shows.",
    ),
    "GPM-N004": _code(
        "The file is for none of the native utilities",
        "No line has the fields of gpaddmirrors, gpmovemirrors, gprecoverseg, gpexpand or "
        "gpinitsystem.",
        "Check that this is the right file.",
    ),
    "GPM-N005": _code(
        "The file is written for another server version",
        "Up to 5 fields are separated by `:`, from 6 on by `|`; neither reads the other's files.",
        "Write the file again for this server, or name the dialect it was written for.",
    ),
    "GPM-N006": _code(
        "The file is too large",
        "The largest possible cluster needs a fraction of the limit.",
        "Check that this is the right file.",
    ),
    "GPM-N007": _code(
        "There are more problems than shown",
        "A long list usually has one cause.",
        "Fix the problems shown and run again.",
    ),
    "GPM-N008": _code(
        "There is no line to write",
        "The utilities do not expect an empty file.",
        "Nothing is to do for this file.",
    ),
    "GPM-N009": _code(
        "The file names nothing",
        "It is empty, or holds comments or a header alone.",
        "Check that the file was written completely.",
    ),
    "GPM-N010": _code(
        "A line has the wrong number of fields",
        "The utilities count fields and stop, or read one field as another.",
        _OWN_LINE,
    ),
    "GPM-N011": _code(
        "A line has the wrong number of groups",
        "A mirror to move has two groups, the old place and the new one, with one space between; "
        "one recovered in place has one, which only gprecoverseg reads.",
        _OWN_LINE,
    ),
    "GPM-N012": _code(
        "Line ends are lost",
        "Copied from a web page, several lines often run together; the utilities read them as one.",
        "Start a new line before each entry.",
    ),
    "GPM-N013": _code(
        "The syntax of a development version of 6",
        "`mirror0=content:address:port:directory` was read before 6.0 was released and by no "
        "release since.",
        "Write `content|address|port|directory`.",
    ),
    "GPM-N014": _code(
        "A line has no label",
        "Up to 5 every line of a gpaddmirrors file begins with `mirror<number>=`.",
        "Put the label before the content.",
    ),
    "GPM-N015": _code(
        "The header is missing",
        "Up to 5 the first line is `filespaceOrder=`, also where there is no filespace.",
        "Put the header before the first mirror.",
    ),
    "GPM-N016": _code(
        "The header lists a filespace that it cannot",
        "It lists each filespace beyond pg_system once, separated by `:`.",
        "Take out what is empty, repeated or pg_system.",
    ),
    "GPM-N017": _code(
        "Directories and filespaces do not match",
        "Every line has one directory for each filespace of the header, in the same order.",
        "Give one directory for each filespace, and none beyond.",
    ),
    "GPM-N018": _code(
        "A comment follows a line's fields",
        "Comments stand on lines of their own; behind a directory they become part of its name.",
        "Move the comment to its own line.",
    ),
    "GPM-N019": _code(
        "A recovery type stands before the fields",
        "`I|`, `D|` and `F|` are read by some releases only; others refuse the whole file.",
        "Take the type out; use `gprecoverseg -F` for full recoveries.",
    ),
    "GPM-N020": _code(
        "A content ID or dbid is not a number",
        "The utilities stop with an uncaught error that names neither line nor field.",
        "Write it in ASCII digits.",
    ),
    "GPM-N021": _code(
        "A port is not a number",
        "The utilities stop with an uncaught error that names neither line nor field.",
        "Write it in ASCII digits.",
    ),
    "GPM-N022": _code(
        "A number is out of range",
        "TCP ports end at 65535; some utilities accept more and hang for minutes. Content ids and "
        "dbids are small integers.",
        "Choose a number within the limits shown.",
    ),
    "GPM-N023": _code(
        "An address is empty or looks like an option",
        "The utilities hand addresses to ssh.",
        "Write the host name or address.",
    ),
    "GPM-N024": _code(
        "A directory is not an absolute path",
        "The utilities refuse relative paths, and no segment can own the root directory.",
        "Write the full path from `/`.",
    ),
    "GPM-N025": _code(
        "A directory is not in its shortest form",
        "The utilities store some paths shortened and compare others letter by letter, so the "
        "catalog would not hold what the file says.",
        "Write the path without `//`, `.`, `..` and without a trailing `/`.",
    ),
    "GPM-N026": _code(
        "A value holds a character that the file cannot carry",
        "The files have no quoting, and the utilities pass names and paths to a shell.",
        "Rename the host or directory, or choose another one.",
    ),
    "GPM-N027": _code(
        "A role is neither p nor m",
        "gpexpand knows these two preferred roles.",
        "Write `p` or `m`.",
    ),
    "GPM-N028": _code(
        "A replication port is missing",
        "Up to 5 primary and mirror replicate through ports of their own.",
        "Give both a replication port.",
    ),
    "GPM-N029": _code(
        "A value has no field in files of 6 and later",
        "Replication ports and filespaces ended with 5.",
        "Leave them out, or name a 4.3 or 5 dialect.",
    ),
    "GPM-N030": _code(
        "Something is named twice",
        "The utilities count lines only, and fail later with an uncaught error.",
        "Name every content and every dbid once.",
    ),
    "GPM-N031": _code(
        "Two lines share a port of one host",
        "The second segment cannot start; before 6 the utility then hangs for minutes.",
        "Give each a port of its own.",
    ),
    "GPM-N032": _code(
        "Two lines share a directory of one host",
        "One copy would overwrite the other.",
        "Give each a directory of its own.",
    ),
    "GPM-N033": _code(
        "Two old places cannot both exist",
        "No two segments of a cluster share a port or a directory of one host.",
        "Compare the old places with gp_segment_configuration.",
    ),
    "GPM-N034": _code(
        "The brackets of an IPv6 address are wrong",
        "Up to 5 an IPv6 address stands in brackets; from 6 on brackets become part of the address.",
        "Write `[fd00::1]` up to 5, `fd00::1` from 6 on.",
    ),
    "GPM-N035": _code(
        "The parallelism is out of range",
        "The utilities refuse the option, gpmovemirrors even with exit status 0.",
        "Choose 1 to 64 hosts and 1 to 128 segments a host.",
    ),
    "GPM-N040": _code(
        "A shell would expand or run something here",
        "A gpinitsystem file is a shell script; gpmirror reads it and never runs it.",
        "Write the value itself.",
    ),
    "GPM-N041": _code(
        "A statement is not an assignment",
        "Only settings are read: `NAME=value` and `NAME=(a b)`.",
        "Write one assignment a line, with quotes in pairs.",
    ),
    "GPM-N042": _code(
        "A setting is set twice",
        "A shell silently takes the last one.",
        "Keep one.",
    ),
    "GPM-N043": _code(
        "Primary and mirror directories differ in number",
        "gpinitsystem pairs them one by one and stops.",
        "Give one mirror directory for each primary directory.",
    ),
}
