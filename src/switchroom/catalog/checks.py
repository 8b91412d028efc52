"""What a schema cannot say about the catalog: dates in order, names that exist, versions that belong."""

from __future__ import annotations

from typing import Any, Dict, Hashable, Iterator, List, Mapping, Sequence, Tuple, Union

from switchroom.catalog.model import Catalog, Distribution, Evidence, Runtime, Series, SeriesType, SoundSet
from switchroom.catalog.schema import data_error, dotted
from switchroom.catalog.sounds import USUAL
from switchroom.catalog.source import Document

Location = Tuple[Hashable, ...]
Dated = Union[Series, Distribution, Runtime]

_DATES = ("released", "security_only", "end_of_life")


def check(catalog: Catalog, documents: Sequence[Document]) -> None:
    """Raise a usage error for the first statement in the catalog that contradicts another."""
    for location, release in _dated(catalog):
        _check_dates(location, release, documents)
    for series in catalog.series.values():
        _check_version(series, documents)
        _check_sources(series, documents)
        _check_made_from(series, documents)
    _check_sounds(catalog.sounds, documents)
    _check_freepbx(catalog, documents)
    _check_references(catalog, documents)


def require_base(
    key: str, made_from: str, entries: Mapping[str, Dict[str, Any]], documents: Sequence[Document]
) -> None:
    """Raise unless a fixture is made from a series that exists and is no fixture itself."""
    if made_from not in entries or entries[made_from]["type"] == "Fixture":
        location = ("series", key, "made_from")
        sentence = f"The fixture series '{key}' is made from '{made_from}', which is no real series"
        raise data_error(documents, location, sentence, f"Known are {_names(_real(entries))}.")


def _real(entries: Mapping[str, Dict[str, Any]]) -> List[str]:
    return [key for key, entry in entries.items() if entry["type"] != "Fixture"]


def _dated(catalog: Catalog) -> Iterator[Tuple[Location, Dated]]:
    for series in catalog.series.values():
        yield ("series", series.key), series
    for release in catalog.el.values():
        for distribution in release.distributions.values():
            yield ("el", release.key, "distributions", distribution.key), distribution
        for kind, streams in release.runtimes.items():
            for index, runtime in enumerate(streams):
                yield ("el", release.key, kind, index), runtime


def _check_dates(location: Location, release: Dated, documents: Sequence[Document]) -> None:
    """Raise if a later state of support begins before an earlier one."""
    known = [(name, getattr(release, name)) for name in _DATES if getattr(release, name, None)]
    for (before, first), (after, second) in zip(known, known[1:]):
        if second < first:
            sentence = f"The dates at '{dotted(location)}' overlap: {after} is before {before}"
            raise data_error(documents, (*location, after), sentence, f"{before} {first}, {after} {second}")


def _check_version(series: Series, documents: Sequence[Document]) -> None:
    """Raise if a version does not belong to its series."""
    certified = series.key.startswith("certified-")
    stem = f"{series.key[len('certified-') :]}cert" if certified else f"{series.key}."
    if certified != (series.type is SeriesType.CERTIFIED) or not series.version.startswith(stem):
        sentence = (
            f"The version '{series.version}' does not belong to the {series.type.value} series '{series.key}'"
        )
        raise data_error(
            documents, ("series", series.key, "version"), sentence, f"It must begin with '{stem}'."
        )


def _check_sources(series: Series, documents: Sequence[Document]) -> None:
    """Raise if the files of a build are those of another release, or of another bundled library."""
    bundled = [f"{library}-{version}.tar.bz2" for library, version in series.bundled.items()]
    wanted = [f"asterisk-{series.source_version}.tar.gz", *bundled]
    found = [source.name for source in series.sources]
    if found != wanted:
        location = ("series", series.key, "sources")
        sentence = f"The sources of series '{series.key}' are not those of {series.source_version}"
        raise data_error(
            documents, location, sentence, f"They are {', '.join(found)}; they must be {', '.join(wanted)}."
        )


def _check_sounds(sets: Mapping[str, SoundSet], documents: Sequence[Document]) -> None:
    for key, sounds in sets.items():
        wanted = f"asterisk-{key}-{sounds.version}.tar.gz"
        if sounds.source.name != wanted:
            sentence = f"The source of the sounds '{key}' is '{sounds.source.name}', not '{wanted}'"
            raise data_error(documents, ("sounds", key, "source"), sentence)
    for key in USUAL:
        if key not in sets:
            raise data_error(
                documents, ("sounds",), f"The sounds '{key}', which are always built, are missing"
            )


def _check_made_from(series: Series, documents: Sequence[Document]) -> None:
    if series.made_from and series.type is not SeriesType.FIXTURE:
        location = ("series", series.key, "made_from")
        sentence = f"The series '{series.key}' is made from '{series.made_from}', but only a fixture may be"
        raise data_error(documents, location, sentence)


def _check_freepbx(catalog: Catalog, documents: Sequence[Document]) -> None:
    for freepbx in catalog.freepbx.values():
        for accepted in freepbx.asterisk:
            if accepted.series not in catalog.series:
                location = ("freepbx", freepbx.key, "asterisk")
                sentence = f"FreePBX '{freepbx.key}' names the unknown Asterisk series '{accepted.series}'"
                raise data_error(documents, location, sentence, f"Known are {_names(catalog.series)}.")


def _check_references(catalog: Catalog, documents: Sequence[Document]) -> None:
    for location, reference in _references(catalog):
        if reference not in catalog.references:
            sentence = f"The reference '{reference}' at '{dotted(location)}' is not listed under 'references'"
            raise data_error(documents, location, sentence)


def _references(catalog: Catalog) -> Iterator[Tuple[Location, str]]:
    for location, evidence in evidence_of(catalog):
        yield location, evidence.reference
    for series in catalog.series.values():
        if series.unverified_newer:
            yield ("series", series.key, "unverified_newer"), series.unverified_newer.reference


def evidence_of(catalog: Catalog) -> Iterator[Tuple[Location, Evidence]]:
    """Yield the evidence of every group of facts with its place in the data file."""
    for section, entries in (("series", catalog.series), ("freepbx", catalog.freepbx)):
        for key, entry in entries.items():
            for fact, evidence in entry.evidence.items():
                yield (section, key, "evidence", fact), evidence
    for key, sounds in catalog.sounds.items():
        yield ("sounds", key, "evidence"), sounds.evidence
    for index, release_key in enumerate(catalog.release_keys):
        yield ("release_keys", index, "evidence"), release_key.evidence
    for location, release in _dated(catalog):
        if not isinstance(release, Series):
            yield (*location, "evidence"), release.evidence


def _names(keys: Any) -> str:
    return ", ".join(f"'{key}'" for key in keys)
