"""What an attacker types, by kind; every test of this folder draws from here."""

#: The characters that mean something to a tsquery, and the quotes around them.
METACHARACTERS = "'\":*&|!()<>\\-"

NUMBERS = [
    "-1", "0", "2147483648", "9223372036854775808", "100000000000000000000", "1e3", "0x10", " 3",
    "٣", "３", "²", "½", "1_000", "+1", "1.0", "NaN", "-0", "9" * 60, "",
]  # fmt: skip

#: What breaks a form, a column or a page.
TEXTS = [
    "\ufeff", "\u200b", "\u200d", "\u202efdp.exe", "\u2066a\u2069", "🦫", "👩‍🚀", "\U000e0001",
    "\uffff", "\ufdd0", "\u0300" * 50, "a" + "\u0316" * 60, "ﷺ" * 10, "İ", "ẞ", "Ω", "Ꭰ", "\u2028",
    "\u0085", "\t\r\n", "\x1b[31m", "\x7f", "%", "%%", "_", "\\", "\\\\", "%00", "%ff", "\\x00",
    "' OR 1=1 --", "'; DROP TABLE directory_listing; --", "$1", "%s", "%(x)s", "{0}", "{{7*7}}",
    "${7*7}", "{% debug %}", "../../etc/passwd", "file:///etc/passwd", "null", "None", "undefined",
    "[]", "{}", "true", "a" * 190, "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)", "𝅘𝅥𝅮" * 20, "각" * 60, '"', '"a', "()", "((((((((((", "<->",
    "a <1000000> b", "\u00a0",
]  # fmt: skip

#: What breaks a search: words of its language, badly put together.
ASKED = [
    "a:*", "a&", "!", "-", "--", "- -", "ou", "ou ou ou", "a ou", "-ou", '""', '" "', "«»", "or or",
    "OR",
]  # fmt: skip

WORDS = [*TEXTS, *ASKED]

#: As they stand in an address, because no text is behind them, or none that the site accepts.
ENCODED = [
    "%00", "a%00b", "%ff", "%fe%ff", "%c0%80", "%c0%ae%c0%ae%c0%af", "%e0%80%af", "%f0%80%80%af",
    "%ed%a0%80", "%ed%b0%80", "%ed%a0%bd%ed%b8%80", "%f4%90%80%80", "%f8%88%80%80%80", "%80", "%c3",
]  # fmt: skip

#: Read as they stand by a lenient server.
ODD = ["%", "%zz", "%u0000", "%2500", "%252e%252e%252f", "+", "%20", "%EF%BF%BD"]

MARKUP = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<ScRiPt src=//mal.example></sCrIpT>",
    "<script\x0balert(1)</script>",
    "<<script>alert(1)//<</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<img src=x onerror\n=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '" autofocus onfocus=alert(1) x="',
    "` onmouseover=alert(1) `",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href=javascript:alert(1)>",
    "<math><mtext></form><form><mglyph><style>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>1</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<base href=//mal.example/>",
    "<meta http-equiv=refresh content=0>",
    "<link rel=stylesheet href=//mal.example>",
    "<form action=//mal.example><button>",
    "<button formaction=javascript:alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<body onload=alert(1)>",
    "<style>*{background:url(//mal)}</style>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</option></select><script>1</script>",
    "<!--><script>alert(1)</script>-->",
    "]]><script>alert(1)</script>",
    "<template><script>alert(1)</script>",
    "<noscript><p title='</noscript><img>'>",
    "{{constructor.constructor('1')()}}",
    "{{ 7|add:7 }}{% load static %}",
    "${alert(1)}#{alert(1)}<%= 1 %>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "&quot; onload=&quot;alert(1)",
    "a\u2028alert(1)\u2029b",
    "\u202e<tpircs>\u202c<script>1</script>",
    "\\u003cscript\\u003e1\\u003c/script\\u003e",
    "\\\"-alert(1)//",
    "<x hx-get=/admin/logout/ hx-trigger=load>",
    "<x hx-on::load=alert(1) data-hx-on:x=1>",
    "＜script＞alert(1)＜/script＞",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
]  # fmt: skip

LINKS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "javascript://mal.example/%0aalert(1)",
    "javascript&colon;alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "blob:https://mal.example/x",
    "view-source:https://mal.example",
    "//mal.example",
    "/\\mal.example",
    "http://[mal",
    "https://",
    "https:mal.example",
    "http:///mal.example",
    'https://mal.example/" onclick="alert(1)',
    "https://mal.example/'onclick='alert(1)",
    "ftp://mal.example/x",
    "file:///etc/passwd",
    "?q=1",
]

#: What a redirect must not follow.
ELSEWHERE = [
    f"{start}{host}"
    for start in (
        "https://", "http://", "//", "///", "////", "/\\", "\\\\", "\\/", "/\\/", "http:", "https:",
        "http:\\\\", "https:/", "javascript://", "data:text/html,", "ftp://", "//www.", "\x08//",
        "\x00//", " //", "\t//", "\n//", "/\t/", "/\n/", "/%09/", "/%5c", "/%2f", "/..//", "/.//",
        "．", "/／", "／／", "〱", "/@", "http://testserver@", "http://testserver.",
        "//testserver@", "https://testserver:80@", "http://testserver%00.", "http://testserver\\@",
        "#//", "?//", "/admin//", "/;@", "x-x:",
    )
    for host in ("mal.example", "mal.example/%2f..", "0x7f.1")
]  # fmt: skip
