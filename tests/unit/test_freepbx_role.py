"""The role freepbx: what its templates let asterisk, who writes the web root, have the web server do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

import jinja2

ROLE = Path(__file__).parents[2] / "roles/freepbx"


def directives(name: str) -> List[str]:
    """Return the values of a directive of the site, open as it is after an installation."""
    template = jinja2.Template((ROLE / "templates/site.conf.j2").read_text())
    site = template.render(__freepbx_open=True, freepbx_web_root="/w", __freepbx_path_socket="/s")
    return re.findall(rf"^\s*{name} (.*)$", site, re.MULTILINE)


def test_apache_follows_no_link_to_what_is_another_s() -> None:
    """A link of asterisk's would show what the web server may read: phones' passwords, for example."""
    (options,), (overrides,) = directives("Options"), directives("AllowOverride")
    assert options.split() == ["-FollowSymLinks", "+SymLinksIfOwnerMatch", "-Indexes"]
    kinds = dict(word.partition("=")[::2] for word in overrides.split())
    # What FreePBX's own .htaccess files use, and no option that brings links or programs back.
    assert set(kinds) == {"AuthConfig", "FileInfo", "Indexes", "Limit", "Options"}
    assert set(kinds["Options"].split(",")) == {"Indexes", "MultiViews", "SymLinksIfOwnerMatch"}
