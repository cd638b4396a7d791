"""What each spec finding means, why it matters and how to fix it: `gpmirror explain GPM-Vnnn`."""

from gpmirror.diagnostics import CodeInfo


def _info(title: str, why: str, fix: str) -> CodeInfo:
    return CodeInfo(title=title, why=why, fix=fix)


CODES: dict[str, CodeInfo] = {
    "GPM-V001": _info(
        "The file is not UTF-8",
        "Names and paths written in another encoding would reach the native files garbled.",
        "Save the file as UTF-8, or convert it with iconv.",
    ),
    "GPM-V002": _info(
        "Control character in the text",
        "Control characters are invisible in an editor and break the lines of the native files.",
        "Delete the character; `cat -A` shows where it is.",
    ),
    "GPM-V003": _info(
        "The file is beyond a limit",
        "Limits on size, nesting and number of values keep a hostile or broken file from "
        "exhausting the machine. Beyond 500 findings the rest is not shown.",
        "Write host ranges instead of single entries; check the brackets.",
    ),
    "GPM-V004": _info(
        "The text is not YAML",
        "Without a structure nothing else can be judged.",
        "Look at the marked line and the one above: indentation, a space after each colon, closed "
        "quotes and brackets, and quotes around text that starts with { or [.",
    ),
    "GPM-V005": _info(
        "A tab indents a line",
        "YAML allows spaces only, since a tab has no fixed width.",
        "Replace each tab by two spaces.",
    ),
    "GPM-V006": _info(
        "Look-alike character",
        "Text copied from documents or chats often holds full-width colons, curly quotes, dashes "
        "or invisible spaces. They look right and are read as part of a name.",
        "Type the plain character named in the hint.",
    ),
    "GPM-V007": _info(
        "A key is given twice",
        "Most readers let the second silently replace the first.",
        "Keep one of the two.",
    ),
    "GPM-V008": _info(
        "The spec is empty or no mapping",
        "A spec consists of keys such as `cluster`, `hosts` and `mirrors`.",
        "Start from `gpmirror init`.",
    ),
    "GPM-V009": _info(
        "More than one YAML document",
        "One spec describes one cluster; a second document would be ignored.",
        "Keep one document per file.",
    ),
    "GPM-V010": _info(
        "An alias leads nowhere or to itself",
        "An alias repeats what an anchor before it marks; inside that anchor it never ends.",
        "Write the value out, or quote text that starts with an asterisk.",
    ),
    "GPM-V011": _info(
        "YAML tag or merge key",
        "Tags and merge keys change how a value is read without showing it.",
        "Delete the tag; write the merged keys out.",
    ),
    "GPM-V012": _info(
        "Unknown key",
        "A misspelt key would be ignored, and its default would apply unseen.",
        "Correct the spelling or delete the key.",
    ),
    "GPM-V013": _info(
        "A required key is missing",
        "There is no default that would be right for every cluster.",
        "Add the line shown in the hint.",
    ),
    "GPM-V014": _info(
        "A value of the wrong type",
        'Values are never converted: "5432" in quotes is text, not a port.',
        "Remove or add the quotes, or write a list or mapping where one is needed.",
    ),
    "GPM-V015": _info(
        "A value out of its list",
        "Only the listed words have a meaning here.",
        "Write one of the listed words.",
    ),
    "GPM-V016": _info(
        "A number or length out of range",
        "TCP ports are 1 to 65535; the native utilities and gpmirror have limits of their own.",
        "Write a value within the limit shown.",
    ),
    "GPM-V017": _info(
        "A text in the wrong form",
        "Names, sizes and times have a fixed form.",
        "Follow the form in the message, such as 5TB or 24h.",
    ),
    "GPM-V018": _info(
        "A format version this gpmirror does not read",
        "Another version may give the same keys another meaning.",
        "Write `apiVersion: gpmirror/v1`, or use the gpmirror that reads the version.",
    ),
    "GPM-V020": _info(
        "A host range that names no hosts",
        "An unmatched bracket, an empty or reversed range is a slip of the pen.",
        "Write ranges as sdw[1-4], sdw[01-16,20] or rack[1-2]-sdw[1-8].",
    ),
    "GPM-V021": _info(
        "Too many hosts",
        "A spec may have 10,000 hosts; more is most likely a mistyped range.",
        "Check the numbers in the range.",
    ),
    "GPM-V022": _info(
        "A host name no dialect can carry",
        "Native files separate fields with : or |, and utilities pass names to a shell.",
        "Use letters, digits, dots, underscores and hyphens.",
    ),
    "GPM-V023": _info(
        "An address that is neither name nor IP address",
        "The address is written to the native file and to the catalog as it stands.",
        "Write a host name, an IPv4 or an IPv6 address without port and brackets.",
    ),
    "GPM-V024": _info(
        "A host is listed twice",
        "The ring would visit it twice, and rules about hosts would count it as two.",
        "List each host once; ranges may overlap by accident.",
    ),
    "GPM-V025": _info(
        "Two hosts claim one name or address",
        "A catalog row with that address could not be told to belong to one of them, and the rule "
        "that a mirror lives on another host could not be judged.",
        'Give each host its own addresses, such as "{host}-1".',
    ),
    "GPM-V026": _info(
        "A host that takes mirrors has no roots",
        "There would be no directory to put them in.",
        "Add `roots`, or `weight: 0` if the host shall hold no mirrors.",
    ),
    "GPM-V027": _info(
        "Filespaces do not fit",
        "Filespaces exist before Greenplum 6 only; every mirror needs a directory in each of "
        "them, pg_system being the data directory itself.",
        "Give all hosts roots for the same filespaces, or a plain list from Greenplum 6 on.",
    ),
    "GPM-V028": _info(
        "A directory in the wrong form",
        "The utilities rewrite paths with `..`, `//` or a trailing slash; the catalog would then "
        "differ from the spec for ever.",
        "Write the absolute directory in its shortest form.",
    ),
    "GPM-V029": _info(
        "A directory with a character that native files cannot carry",
        "Fields are separated by : or |, # starts comments, and paths pass through shells.",
        "Choose a directory of letters, digits and ordinary punctuation.",
    ),
    "GPM-V030": _info(
        "The directory template cannot work",
        "Each mirror needs a directory of its own below an absolute root.",
        'Write "{root}/{prefix}{content}" or something like it.',
    ),
    "GPM-V031": _info(
        "Unknown placeholder or unmatched brace",
        "Templates know root, prefix, content and host; addresses and roots know host.",
        "Correct the word between the braces.",
    ),
    "GPM-V032": _info(
        "A host cannot be replaced like this",
        "A replaced host is dead: it is not listed, and one host takes its place.",
        "Delete the entry of the dead host, and let one host replace it.",
    ),
    "GPM-V040": _info(
        "Block size and strategy disagree",
        "`block_size` belongs to strategy block, which cannot do without.",
        "Add or delete `block_size`.",
    ),
    "GPM-V041": _info(
        "The port rule is not one rule",
        "Ports are counted by `offset` or from `mirror_base`; an offset of 0 would give mirrors "
        "the ports of primaries.",
        "Write `ports: {offset: 1000}` or `ports: {mirror_base: 50000}`.",
    ),
    "GPM-V042": _info(
        "Replication ports do not fit the dialect",
        "Before Greenplum 6 each copy has a replication port; from 6 on there are none.",
        "Delete them from 6 on; before 6 give both replication bases.",
    ),
    "GPM-V043": _info(
        "Strategy pinned without pins",
        "It places only what pins say.",
        "Add pins, or choose another strategy.",
    ),
    "GPM-V044": _info(
        "Minimise without balanced",
        "The other strategies are functions of the ring: they minimise nothing.",
        "Delete `minimise`, or choose strategy balanced.",
    ),
    "GPM-V050": _info(
        "A content is pinned twice",
        "A content has one mirror.",
        "Keep one of the two pins.",
    ),
    "GPM-V051": _info(
        "A host that is not listed",
        "Pins and protections speak of hosts under `hosts`.",
        "Correct the name or list the host.",
    ),
    "GPM-V052": _info(
        "Two pins claim one port or directory",
        "Two segments of a host cannot share either.",
        "Change one of the pins.",
    ),
    "GPM-V053": _info(
        "A pin to a host that takes no mirrors",
        "Weight 0 says that no mirror shall live there, the pin says that one shall.",
        "Raise the weight or pin to another host.",
    ),
    "GPM-V054": _info(
        "A pinned address of another host",
        "The address must be one of the host's, or the mirror would be reached elsewhere.",
        "Correct the address or add it to the host's `addresses`.",
    ),
    "GPM-V055": _info(
        "A protection of nothing or of two things",
        "Each entry names one content or one host.",
        "Write one entry each.",
    ),
    "GPM-V057": _info(
        "Racks are to be survived, but not all are known",
        "Losing a rack can be judged only if every host has one.",
        "Give every host a `rack`.",
    ),
    "GPM-V058": _info(
        "No host takes mirrors",
        "Every host has weight 0.",
        "Give at least one host a weight of 1.",
    ),
    "GPM-V059": _info(
        "Hosts in turn that do not go together",
        "`zip` takes one host of each range in turn, so its ranges are of equal length, and `racks` "
        "names the rack of each.",
        'Write `zip: ["sdw[1-6]", "sdw[7-12]"]` and `racks: [a, b]`, without `name` and `rack`.',
    ),
    "GPM-V060": _info(
        "A snapshot outside the spec's folder",
        "A spec under review must not make a job read other files and show their lines.",
        "Keep the snapshot in the spec's folder or below it, and name it from there.",
    ),
}
