"""What the scan sees in a dialplan: nested calls, functions, devices, commands; AEL, Lua, scripts too."""

from pathlib import Path
from typing import List, Mapping

import pytest

from support.scans import CUSTOM, about, check, custom
from switchroom.box import scan
from switchroom.box.scan import commands, expression

NAMES = ("application", "function", "technology", "command", "action", "utility", "event")


def names(found: "tuple[scan.Finding, ...]") -> List[str]:
    return sorted(f"{one.what}:{one.name}:{one.line}" for one in about(found, *NAMES))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("same => n,Macro(dial,a)", ["application:Macro"]),
        ("same => n,macro(dial,a)", ["application:Macro"]),
        ("same => n(again),Macro(dial", ["application:Macro"]),
        ("exten => _9X.,n+2(x),Macro,dial,a", ["application:Macro"]),
        ("exten => 100/200,1,Macro(dial)", ["application:Macro"]),
        ("exten = 1,1,NoCDR", ["application:NoCDR"]),
        (
            'same => n,ExecIf($["${a}" = "?"]?Macro(x,${b:1}):NoCDR())',
            ["application:Macro", "application:NoCDR"],
        ),
        ("same => n,ExecIfTime(9:00-17:00,mon-fri,*,*?StopMonitor())", ["application:StopMonitor"]),
        ("same => n,TryExec(Exec(Monitor(wav,a)))", ["application:Monitor"]),
        ("same => n,Originate(PJSIP/1,app,Macro,x,y)", ["application:Macro"]),
        ("same => n,Set(a=${LEN(${SIP_HEADER(From)})})", ["function:SIP_HEADER"]),
        ("same => n,GotoIf($[${SIPPEER(${x},status)} = 1]?a:b)", ["function:SIPPEER"]),
        ("same => n,Set(CALLERPRES()=allowed)", ["function:CALLERPRES"]),
        ("same => n,MSet(x=1,CALLERPRES()=allowed,y=2)", ["function:CALLERPRES"]),
        ("include => other|${CHECKSIPDOMAIN(x)}", ["function:CHECKSIPDOMAIN"]),
        ("same => n,Dial(SIP/1&PJSIP/2&sip/trunk/3,20)", ["technology:SIP", "technology:sip"]),
        ("same => n,Set(d=SIP/100)", ["technology:SIP"]),
        ("exten => 1,hint,SIP/100", ["technology:SIP"]),
        (
            "same => n,System(/usr/sbin/asterisk -rx 'sip show peers' >/tmp/a)",
            ["command:sip show peers [like]"],
        ),
        ("same => n,Set(x=${SHELL(asterisk -rx sip\\ show\\ registry)})", []),
        ("same => n,TrySystem(astdb2sqlite3 /x)", []),
        ("same => n,NoOp(Macro(x) SIP/1 sip show peers)", []),
        ("same => n,Gosub(Macro,s,1(SIP/1))", []),
        ("same => n,${APP}(x)", []),
        ("same => n,Nonsense(x)", []),
        (";same => n,Macro(x)", []),
    ],
)
def test_what_a_line_uses(line: str, expected: List[str], tmp_path: Path) -> None:
    found = check(tmp_path, custom(line), "16.28.0", "22.10.1")
    assert [name.rpartition(":")[0] for name in names(found)] == expected
    assert {one.line for one in about(found, *NAMES)} <= {3}


def test_calls_meet_blocking_findings_text_only_warnings(tmp_path: Path) -> None:
    line = 'same => n,System(asterisk -rx "sip reload")'
    found = check(tmp_path, custom("same => n,Macro(x)", line), "16.28.0", "22.10.1")
    assert [(one.name, one.severity.value) for one in about(found, *NAMES)] == [
        ("Macro", "blocking"),
        ("sip reload", "warning"),
    ]


FILES: Mapping[str, "tuple[str, list[str]]"] = {
    "/etc/asterisk/extensions.ael": (
        "// Macro(x)\n/* Monitor(\n */\ncontext a {\n"
        "  1 => { Macro(x); &y(); if (${SIP_HEADER(a)}) { NoCDR(); } }\n"
        '  _X. => Set(CALLERPRES()=x);\n}\n#include "more.ael"\n',
        ["application:Macro:5", "application:NoCDR:5", "function:CALLERPRES:6", "function:SIP_HEADER:5"],
    ),
    "/etc/asterisk/extensions.lua": (
        "-- app.Macro('x')\nfunction f(c, e)\n  app.Macro('x')\n  app['dial'](\"SIP/\" .. e)\n"
        '  local x = channel.SIP_HEADER("From"):get()\n  channel["CALLERPRES()"]:set("x")\nend\n',
        ["application:Macro:3", "function:CALLERPRES:6", "function:SIP_HEADER:5", "technology:SIP:4"],
    ),
    "/etc/asterisk/features.conf": (
        "[applicationmap]\nrec => *9,self,Macro(rec)\nold => #1,peer,Monitor,wav\nnew => #2,peer,Echo\n",
        ["application:Macro:2", "application:Monitor:3"],
    ),
    "/etc/asterisk/queues.conf": ("[sales]\nautofill=yes\nmember => SIP/100,1,Ann\n", ["technology:SIP:3"]),
    "/etc/asterisk/cli.conf": (
        "[startup_commands]\nsip set debug on = yes\n",
        ["command:sip set debug {on|off|ip|peer}:2"],
    ),
    "/etc/asterisk/cli_aliases.conf": (
        "[general]\ntemplate = mine\n[mine](!)\nsr=sip reload\nok=core show calls\n[u](!)\nx=sip reload\n",
        ["command:sip reload:4"],
    ),
    "/etc/asterisk/cli_permissions.conf": (
        "[general]\n[ann]\ndeny=all\npermit=sip show peer\n",
        ["permission:sip show peer:4"],
    ),
    "/etc/asterisk/manager.conf": (
        "[ann]\neventfilter(action(exclude),name(MonitorStop)) =\neventfilter=!Event: MonitorStart.*\n",
        ["event:MonitorStart:3", "event:MonitorStop:2"],
    ),
    "/etc/asterisk/pjsip.conf": ("[a]\ntype=endpoint\nset_var=CALLERPRES()=x\n", ["function:CALLERPRES:3"]),
    "/etc/asterisk/cdr_custom.conf": (
        "[mappings]\nMaster.csv => ${CSV_QUOTE(${SIPPEER(x)})}\n",
        ["function:SIPPEER:2"],
    ),
    "/etc/asterisk/voicemail.conf": (
        '[general]\nexternnotify=/usr/sbin/asterisk -rx "sip notify x"\n',
        ["command:sip notify:2"],
    ),
    "/var/lib/asterisk/agi-bin/a/x.agi": (
        '#!/usr/bin/php\n$agi->exec("Macro", "x");\n`asterisk -rx "sip show peers"`;\n'
        'fputs($s, "Action: SIPpeers\\r\\n");\n'
        "$m->send_request('Monitor', $a);\nprint \"EXEC NoCDR\\n\";\n",
        [
            "action:Monitor:5",
            "action:SIPpeers:4",
            "application:Macro:2",
            "application:NoCDR:6",
            "command:sip show peers [like]:3",
        ],
    ),
}


@pytest.mark.parametrize("file", sorted(FILES))
def test_what_other_files_use(file: str, tmp_path: Path) -> None:
    text, expected = FILES[file]
    more = {"/etc/asterisk/more.ael": "context b { 1 => StopMonitor(); }\n"} if file.endswith("ael") else {}
    found = check(tmp_path, {file: text, **more}, "16.28.0", "22.10.1")
    seen = [name for name in names(found) if "StopMonitor" not in name]
    seen += [f"permission:{one.name}:{one.line}" for one in about(found, "permission")]
    assert seen == expected
    assert any(one.name == "StopMonitor" and one.file.endswith("more.ael") for one in found) == bool(more)


def test_binary_and_huge_scripts_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/asterisk/agi-bin"
    folder.mkdir(parents=True)
    (folder / "binary").write_bytes(b"EXEC Macro\n\0")
    (folder / "huge").write_bytes(b"EXEC Macro\n" * 200_000)
    assert names(check(tmp_path, {}, "16.28.0", "22.10.1")) == []


def test_odbc_functions_of_the_site_are_its_own(tmp_path: Path) -> None:
    files = {
        **custom("same => n,NoOp(${CALLERPRES()} ${MAILBOX_EXISTS(1)})"),
        "/etc/asterisk/func_odbc.conf": "[EXISTS]\nprefix=MAILBOX\nreadsql=SELECT 1\n",
    }
    assert names(check(tmp_path, files, "16.28.0", "22.10.1")) == ["function:CALLERPRES:3"]


def test_lines_of_one_context_are_one_finding_and_the_key_survives_moves(tmp_path: Path) -> None:
    (first,) = about(
        check(tmp_path, custom("same => n,Macro(a)", "same => n,Macro(b)"), "16.28.0", "22.10.1"),
        "application",
    )
    assert first.lines == (3, 4)
    (moved,) = about(
        check(tmp_path, custom("; new", "same => n,Macro(a)"), "16.28.0", "22.10.1"), "application"
    )
    assert moved.lines == (4,)
    assert first.key == moved.key == f"application:Macro:{CUSTOM}:from-internal-custom"


def test_names_that_are_not_utf_8_make_plain_keys(tmp_path: Path) -> None:
    files = {"/etc/asterisk/extensions.conf": "[m\udcfcller]\nexten => 1,1,Macro(\udcff)\n"}
    found = check(tmp_path, files, "16.28.0", "22.10.1")
    assert about(found, "application")[0].key.endswith(":m?ller")
    assert scan.text(found).encode()


def test_expression_helpers() -> None:
    assert expression.split('a(b,c),"d,e",[f,g],\\"h,i') == ("a(b,c)", '"d,e"', "[f,g]", '\\"h', "i")
    assert expression.split(")a,b") == (")a", "b")
    assert expression.option_letters("tT(x(y)M)w") == "tTw"
    assert list(expression.functions("${A(${B(x")) == [("A", "${B(x"), ("B", "x")]


@pytest.mark.parametrize(
    ("pattern", "command", "expected"),
    [
        ("sip show peer", "sip show peers", False),
        ("sip show peer", "sip show peer 100 load", True),
        ("sip show peers [like]", "sip show peers", True),
        ("sip show {channels|subscriptions}", "SIP  show subscriptions", True),
        ("sip show {channels|subscriptions}", "sip show", False),
        ("console {set|show} active [<device>]", "console set active hw:0", True),
    ],
)
def test_commands_match_patterns(pattern: str, command: str, expected: bool) -> None:
    assert commands.matches(pattern, command) is expected
