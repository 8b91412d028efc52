"""What a transaction's journal says about its end: outcome, reason, figures, and what to do next."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Optional, Sequence

from switchroom.box.switch.journal import Kind, Record
from switchroom.box.switch.outcome import End, Figures, Outcome
from switchroom.box.switch.story import Story, Way

ENDS = {
    Way.FORWARD: End.KEPT,
    Way.BACK: End.ROLLED_BACK,
    Way.ABANDON: End.ABANDONED,
    Way.FAIL: End.FAILED,
    Way.ATTENTION: End.ATTENTION,
}


def outcome(story: Story, records: Sequence[Record]) -> Outcome:
    """Return how a transaction ended whose steps are all walked; only its ``end`` record may be missing."""
    plan = story.plan
    reasons = list(story.reasons)
    return Outcome(
        id=plan.id,
        outcome=ENDS[story.way],
        source=plan.source.name,
        target=plan.target.name,
        running=_running(story, records),
        reason="; then: ".join(str(reason["reason"]) for reason in reasons),
        cause="\n".join(filter(None, (str(reason.get("cause", "")) for reason in reasons))),
        hint=_hint(story, records),
        seconds=round(records[-1].seconds - records[0].seconds, 1),
        figures=figures(records),
    )


def figures(records: Sequence[Record]) -> Figures:
    """Return what the switch cost, as far as the journal tells."""
    done: Dict[str, Any] = {}
    for record in records:
        if record.kind is Kind.DONE:
            done.update(record.data)
    stopped = _first(records, Kind.INTENT, ("stop",))
    back = _last(records, Kind.DONE, ("start", "start-back"))
    if stopped is None:
        return Figures()
    calls, forced = done.get("calls"), bool(done.get("forced", False))
    if back is None:
        return Figures(calls_ended=calls, forced=forced)
    about = "outage_ms" not in done
    answering = back.seconds if about else float(done["answering"])
    since = done.get("refused_since", stopped.seconds)
    return Figures(
        outage_ms=round((answering - stopped.seconds) * 1000) if about else int(done["outage_ms"]),
        refused_ms=round((answering - since) * 1000),
        calls_ended=calls,
        forced=forced,
        about=about,
    )


def _first(records: Iterable[Record], kind: Kind, steps: Sequence[str]) -> Optional[Record]:
    return next((record for record in records if record.kind is kind and record.step in steps), None)


def _last(records: Sequence[Record], kind: Kind, steps: Sequence[str]) -> Optional[Record]:
    return _first(reversed(records), kind, steps)


def _running(story: Story, records: Sequence[Record]) -> Optional[str]:
    if story.way is Way.ATTENTION:
        rescued = _last(records, Kind.DONE, ("rescue",))
        name: Optional[str] = rescued.data.get("running") if rescued else None
        return name
    return story.plan.target.name if story.way is Way.FORWARD else story.plan.source.name


def _hint(story: Story, records: Sequence[Record]) -> str:
    if story.way is Way.ATTENTION:
        return _instructions(story, _running(story, records))
    return next((str(reason["hint"]) for reason in story.reasons if reason.get("hint")), "")


def _instructions(story: Story, running: Optional[str]) -> str:
    source, target = story.plan.source, story.plan.target
    look = "journalctl --unit asterisk.service --lines 50"
    if running:
        return (
            f"Asterisk {running} runs, and needs a look: 'switchroom health' shows what is wrong, '{look}' "
            f"what it said. When it is cured, run 'switchroom switch {target.name}' again."
        )
    return (
        f"NO ENGINE RUNS. 1. See why: {look}. 2. Make the old engine whole: dnf reinstall "
        f"{source.engine.package}. 3. Select and start it: ln -sfn {source.prefix} /etc/switchroom/engine && "
        "systemctl reset-failed asterisk.service && systemctl restart asterisk.service. "
        "Meanwhile systemd goes on trying."
    )
