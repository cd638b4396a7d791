"""The colours of all pictures, for light and dark surroundings.

No colour stands alone: kinds of mirrors have a sign or a shape, loads a height, groups a number.
"""

from collections.abc import Mapping

from gpmirror.render.drawing.picture import LEVELS, CellKind

_LIGHT = {
    "back": "#ffffff",
    "frame": "#f6f8fa",
    "frame-edge": "#d0d7de",
    "box": "#ffffff",
    "box-edge": "#8c959f",
    "focus": "#0969da",
    "text": "#1f2328",
    "soft": "#59636e",
    "alarm": "#cf222e",
    "track": "#eaeef2",
    "own": "#59636e",
    "load-1": "#fec44f",
    "load-2": "#ec7014",
    "load-3": "#b23c02",
    "load-4": "#5c1a00",
    CellKind.PRIMARY: "#0969da",
    CellKind.STAYS: "#d8dee4",
    "stays-text": "#1f2328",
    CellKind.ADDED: "#1a7f37",
    CellKind.MOVED: "#bc4c00",
    CellKind.RECOVERED: "#8250df",
    CellKind.LEAVES: "#9a6700",
    CellKind.BLOCKED: "#cf222e",
}
_DARK = {
    "back": "#0d1117",
    "frame": "#151b23",
    "frame-edge": "#30363d",
    "box": "#0d1117",
    "box-edge": "#656c76",
    "focus": "#4493f8",
    "text": "#f0f6fc",
    "soft": "#9198a1",
    "alarm": "#ff7b72",
    "track": "#21262d",
    "own": "#9198a1",
    "load-1": "#96701c",
    "load-2": "#d97a22",
    "load-3": "#f7b05f",
    "load-4": "#ffe9c9",
    CellKind.PRIMARY: "#1f6feb",
    CellKind.STAYS: "#3d444d",
    "stays-text": "#f0f6fc",
    CellKind.ADDED: "#238636",
    CellKind.MOVED: "#bd561d",
    CellKind.RECOVERED: "#8957e5",
    CellKind.LEAVES: "#d29922",
    CellKind.BLOCKED: "#da3633",
}
_SOLID = (
    CellKind.PRIMARY,
    CellKind.ADDED,
    CellKind.MOVED,
    CellKind.RECOVERED,
    CellKind.BLOCKED,
)
_ARROWS = {CellKind.ADDED: "none", CellKind.MOVED: "7 3", CellKind.RECOVERED: "2 3"}
"""How the line of an arrow is broken, for those who do not see its colour."""
GROUP_COLORS = ("#0072b2", "#a84300", "#007a5a", "#8f3b76", "#6b6b00", "#44546a")
"""White letters on them have a contrast of 4.5 or more; told apart with any colour vision. They begin
anew where there are more groups: the number tells.
"""
_FONT = "font-family:ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif"


def style_sheet() -> str:
    """CSS for everything in a picture; what lies around it is left alone."""
    dark = _rules(_DARK)
    groups = "".join(
        f".gm .group-{at}{{fill:{color}}}" for at, color in enumerate(GROUP_COLORS, start=1)
    )
    return (
        f".gm text{{{_FONT}}}{_rules(_LIGHT)}{groups}.gm text.in-group{{fill:#ffffff}}"
        ".gm .tip{visibility:hidden}.gm g:hover>.tip,.gm g:focus>.tip{visibility:visible}"
        f".gm g:focus{{outline:none}}@media (prefers-color-scheme:dark){{{dark}}}"
    )


def _rules(color: Mapping[str, str]) -> str:
    rules = [
        f".gm .back{{fill:{color['back']}}}",
        f".gm .frame{{fill:{color['frame']};stroke:{color['frame-edge']}}}",
        f".gm .box{{fill:{color['box']};stroke:{color['box-edge']}}}",
        f".gm g:focus>.box{{stroke:{color['focus']};stroke-width:3}}",
        f".gm text{{fill:{color['text']}}}",
        f".gm text.soft{{fill:{color['soft']}}}",
        f".gm text.alarm{{fill:{color['alarm']}}}",
        f".gm .track{{fill:{color['track']}}}",
        f".gm .own{{fill:{color['own']}}}",
        f".gm .bar{{fill:{color['box-edge']}}}",
        f".gm .lost{{fill:none;stroke:{color['alarm']};stroke-dasharray:3 2}}",
        f".gm .cross{{fill:none;stroke:{color['alarm']}}}",
        f".gm rect.stays{{fill:{color[CellKind.STAYS]}}}",
        f".gm text.in-stays{{fill:{color['stays-text']}}}",
        f".gm rect.leaves{{fill:none;stroke:{color[CellKind.LEAVES]};stroke-dasharray:3 2}}",
        f".gm text.in-leaves{{fill:{color[CellKind.LEAVES]}}}",
        f".gm text.halo{{stroke:{color['back']};stroke-width:4px;paint-order:stroke}}",
    ]
    rules += [
        f".gm .load-{level}{{fill:{color[f'load-{level}']}}}" for level in range(1, len(LEVELS) + 1)
    ]
    rules += [
        f".gm rect.{kind}{{fill:{color[kind]}}}.gm text.in-{kind}{{fill:#ffffff}}"
        for kind in _SOLID
    ]
    rules += [
        f".gm path.{kind}{{stroke:{color[kind]};stroke-dasharray:{dashes};fill:none}}"
        f".gm polygon.{kind}{{fill:{color[kind]}}}"
        for kind, dashes in _ARROWS.items()
    ]
    return "".join(rules)
