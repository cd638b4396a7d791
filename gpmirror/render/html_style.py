"""How the page of a plan looks; the picture in it brings its own colours."""

PAGE_STYLE = """
:root{color-scheme:light dark;--text:#1f2328;--soft:#59636e;--back:#fff;--edge:#d0d7de;
--tint:#f6f8fa;--fine:#1a7f37;--care:#bc4c00;--alarm:#cf222e;--role:#0969da}
@media (prefers-color-scheme:dark){:root{--text:#f0f6fc;--soft:#9198a1;--back:#0d1117;
--edge:#30363d;--tint:#151b23;--fine:#3fb950;--care:#f0883e;--alarm:#f85149;--role:#58a6ff}}
body{margin:2rem auto;max-width:1200px;padding:0 1rem;color:var(--text);background:var(--back);
font:15px/1.5 ui-sans-serif,system-ui,'Segoe UI',Helvetica,Arial,sans-serif}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.summary{font-size:1.1rem;font-weight:600;margin:.2rem 0}.soft,footer{color:var(--soft)}
footer{margin-top:2rem;font-size:.85rem;overflow-wrap:anywhere}
.alarm{color:var(--alarm)}.fine{color:var(--text)}
.wide{overflow-x:auto}svg.gm{max-width:none;border-radius:10px}
table{border-collapse:collapse;font-size:.9rem}
th{color:var(--soft);font-weight:500;text-align:left}
th,td{border-bottom:1px solid var(--edge);padding:.3rem .8rem .3rem 0;vertical-align:top}
code,pre{font:.85em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--tint);border-radius:6px;overflow-x:auto;padding:.7rem}
details{border-bottom:1px solid var(--edge);padding:.4rem 0}summary{cursor:pointer}
ul{margin:.3rem 0;padding-left:1.2rem}
b.add{color:var(--fine)}b.move{color:var(--care)}b.recover,b.blocked{color:var(--alarm)}
b.rebalance{color:var(--role)}
@media print{details{display:block}}
""".strip()
