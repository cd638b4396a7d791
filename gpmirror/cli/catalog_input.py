"""Which catalog a command reads: for now a saved one."""

from gpmirror.errors import Usage


def saved_catalog(catalog: str | None, spec: str) -> str:
    """The catalog's file name. Raises Usage: none is given, or stdin is wanted twice."""
    if catalog is None:
        raise Usage(
            "reading a live catalog is not available in this version",
            hint="save it with `psql -c 'SELECT * FROM gp_segment_configuration' > catalog.txt` "
            "and pass `--catalog catalog.txt`",
        )
    if catalog == "-" and spec == "-":
        raise Usage("spec and catalog cannot both come from stdin", hint="name a file for one")
    return catalog
