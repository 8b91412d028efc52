"""Whether a repository's signed metadata are meant for this box, now: its channel, its major, not too old.

A signature alone vouches for every set that was ever signed, wherever a mirror list leads. Used by the dnf
child and by the plugin for dnf on a command line, on any Python from 3.6 on. Folders on this machine, such as
an installation medium's, are exempt.
"""

import datetime
import re
from typing import Any, Iterable, Optional, Tuple

OURS = "switchroom-"
_CHANNEL, _EL, _UNTIL = "switchroom-channel", "switchroom-el", "switchroom-until"
_MAJOR = re.compile("^[0-9]+")
_DAY = datetime.timedelta(days=1)  # clocks, and places on earth, differ a little
_CLOCK = "If the date is wrong, set it: chronyc makestep. "
_LEAVE_OUT = "To leave this repository out: dnf --disablerepo={id}"

Problem = Tuple[str, str]  # what is wrong, and what to do


def problem(repo: Any, releasever: str) -> Optional[Problem]:
    """Return what is wrong with one of our repositories as dnf has it loaded, None where nothing is."""
    said = repo._repo
    if not repo.id.startswith(OURS) or _is_local(repo) or not said.getRevision():  # nothing is loaded
        return None
    tags, made = list(said.getContentTags()), int(said.getRevision())
    return judge(repo.id, repo.mirrorlist or repo.metalink or "", tags, made, releasever)


def judge(
    name: str,
    mirrorlist: str,
    tags: Iterable[str],
    made: int,
    releasever: str,
    *,
    now: Optional[float] = None,
) -> Optional[Problem]:
    """Return what is wrong with the metadata of the repository ``name``, by the tags in what was signed.

    ``made`` is their revision, a moment before they were made; ``now`` defaults to the clock.
    """
    leave_out = _LEAVE_OUT.format(id=name)
    if mirrorlist.startswith("http://"):
        why = "The mirror list of '{}' is read over plain http: anybody on the way could change it."
        return why.format(name), "Let 'mirrorlist' in /etc/yum.repos.d begin with https://. " + leave_out
    said = dict(tag.partition("=")[::2] for tag in tags)
    wrong = _elsewhere(name, said, "".join(_MAJOR.findall(releasever)))
    if wrong:
        return wrong, "Tell whoever runs the repository; nothing of it is used. " + leave_out
    return _out_of_time(name, said.get(_UNTIL, ""), made, now, leave_out)


def _is_local(repo: Any) -> bool:
    places = list(repo.baseurl)
    return (
        bool(places) and not repo.mirrorlist and not repo.metalink and all(p[:5] == "file:" for p in places)
    )


def _elsewhere(name: str, said: Any, major: str) -> str:
    """Return why metadata are not this repository's, empty where they are."""
    if not {_CHANNEL, _EL, _UNTIL} <= set(said):
        return f"The metadata of '{name}' do not say for which channel and until when they are good."
    if OURS + said[_CHANNEL] != name:
        return f"The metadata of '{name}' are those of the channel '{said[_CHANNEL]}'."
    if major and said[_EL] != major:
        return f"The metadata of '{name}' are for Enterprise Linux {said[_EL]}."
    return ""


def _out_of_time(name: str, until: str, made: int, now: Optional[float], leave_out: str) -> Optional[Problem]:
    clock = _utc(now) if now is not None else datetime.datetime.utcnow()
    if clock + _DAY < _utc(made):
        what = "The clock of this box is wrong: it says {:%Y-%m-%d}; '{}' was made after {:%Y-%m-%d}."
        return what.format(clock, name, _utc(made)), _CLOCK + leave_out
    try:
        end = datetime.datetime.strptime(until, "%Y-%m-%d")
    except ValueError:
        return f"The metadata of '{name}' are good until '{until}', which is no day.", leave_out
    if clock >= end + 2 * _DAY:
        what = "The metadata of '{}' were good until {}; today is {:%Y-%m-%d} by the clock of this box."
        hint = "Nothing newer reached it: somebody may hold updates back, or nobody renewed the repository. "
        return what.format(name, until, clock), hint + _CLOCK + leave_out
    return None


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
