"""The colours of a picture, for light and dark surroundings; every colour has a word beside it."""

from gpmirror.render.picture import Kind

_LIGHT = {
    "back": "#ffffff",
    "frame": "#f6f8fa",
    "frame-edge": "#d0d7de",
    "box": "#ffffff",
    "box-edge": "#8c959f",
    "text": "#1f2328",
    "soft": "#59636e",
    Kind.PRIMARY: "#0969da",
    Kind.STAYS: "#d8dee4",
    "stays-text": "#1f2328",
    Kind.ADDED: "#1a7f37",
    Kind.MOVED: "#bc4c00",
    Kind.RECOVERED: "#8250df",
    Kind.LEAVES: "#9a6700",
    Kind.BLOCKED: "#cf222e",
}
_DARK = {
    "back": "#0d1117",
    "frame": "#151b23",
    "frame-edge": "#30363d",
    "box": "#0d1117",
    "box-edge": "#656c76",
    "text": "#f0f6fc",
    "soft": "#9198a1",
    Kind.PRIMARY: "#1f6feb",
    Kind.STAYS: "#3d444d",
    "stays-text": "#f0f6fc",
    Kind.ADDED: "#238636",
    Kind.MOVED: "#bd561d",
    Kind.RECOVERED: "#8957e5",
    Kind.LEAVES: "#d29922",
    Kind.BLOCKED: "#da3633",
}
_SOLID = (Kind.PRIMARY, Kind.ADDED, Kind.MOVED, Kind.RECOVERED, Kind.BLOCKED)
_ARROWS = (Kind.ADDED, Kind.MOVED, Kind.RECOVERED)
_FONT = "font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif"


def style_sheet() -> str:
    """CSS for everything in a picture; what lies around it is left alone."""
    dark = _rules(_DARK)
    return f".gm text{{{_FONT}}}{_rules(_LIGHT)}@media (prefers-color-scheme:dark){{{dark}}}"


def _rules(color: dict[str, str]) -> str:
    rules = [
        f".gm .back{{fill:{color['back']}}}",
        f".gm .frame{{fill:{color['frame']};stroke:{color['frame-edge']}}}",
        f".gm .box{{fill:{color['box']};stroke:{color['box-edge']}}}",
        f".gm text{{fill:{color['text']}}}",
        f".gm text.soft{{fill:{color['soft']}}}",
        f".gm rect.stays{{fill:{color[Kind.STAYS]}}}",
        f".gm text.in-stays{{fill:{color['stays-text']}}}",
        f".gm rect.leaves{{fill:none;stroke:{color[Kind.LEAVES]};stroke-dasharray:3 2}}",
        f".gm text.in-leaves{{fill:{color[Kind.LEAVES]}}}",
        f".gm text.halo{{stroke:{color['back']};stroke-width:4px;paint-order:stroke}}",
    ]
    rules += [
        f".gm rect.{kind}{{fill:{color[kind]}}}.gm text.in-{kind}{{fill:#ffffff}}"
        for kind in _SOLID
    ]
    rules += [
        f".gm path.{kind}{{stroke:{color[kind]};fill:none}}.gm polygon.{kind}{{fill:{color[kind]}}}"
        for kind in _ARROWS
    ]
    return "".join(rules)
