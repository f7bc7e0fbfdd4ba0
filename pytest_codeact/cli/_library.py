"""
The recordings of a directory, read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_codeact.cassettes import (
    Cassette,
    cassette_files,
    cassette_path,
    draft_files,
    read_cassette,
    reply_of,
)
from pytest_codeact.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_codeact.redaction import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """
    What a directory holds.

    Attributes:
        root: The directory.
        cassettes: By file, sorted by scenario, arm and model.
        unreadable: Why files cannot be read, a sentence each.
    """

    root: Path
    cassettes: Mapping[Path, Cassette]
    unreadable: tuple[str, ...]

    @classmethod
    def read(cls, root: Path) -> Library:
        """Read every file."""
        cassettes, unreadable = {}, []
        for path in cassette_files(root):
            try:
                cassette = read_cassette(path)
            except RecordingError as error:
                unreadable.append(str(error))
                continue
            if cassette is not None:
                cassettes[path] = cassette
        order = sorted(cassettes.items(), key=lambda pair: (pair[1].scenario, pair[1].arm, pair[1].model))
        return cls(root=root, cassettes=dict(order), unreadable=tuple(unreadable))

    @property
    def models(self) -> list[str]:
        """Every model, sorted."""
        return sorted({each.model for each in self.cassettes.values()})

    def problems(self) -> Iterator[str]:
        """Say what is wrong, a sentence each."""
        yield from self.unreadable
        for path, cassette in self.cassettes.items():
            home = cassette_path(self.root, scenario=cassette.scenario, arm=cassette.arm, model=cassette.model)
            if home != path:
                yield f"{path}: a replay would look for it in {home}"
            yield from (f"{path}: {each}" for each in cassette.problems())
            for recording in cassette.recordings:
                for interaction in recording.interactions:
                    try:
                        reply_of(interaction.reply)
                    except RecordingError as error:
                        yield f"{path}: request {interaction.key} of trial {recording.trial} {error}"
        yield from (f"{path}: left behind by a process that was killed; delete it" for path in draft_files(self.root))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """
    What a cassette comes to.

    Attributes:
        trials: Recorded trials.
        incomplete: Those of them that are not recorded to their end.
        requests: Requests that got a reply.
        tokens: Input and output tokens of all of them. None if one is unknown.
        cost_usd: US dollars of all of them. None if one is unknown.
        date: When the newest reply came, ISO 8601 in UTC. "" for none.
        sdks: Names and versions of the packages that asked, sorted.
        reference: Whether the emulator's reference policy made some of the replies.
    """

    trials: int
    incomplete: int
    requests: int
    tokens: int | None
    cost_usd: float | None
    date: str
    sdks: tuple[str, ...]
    reference: bool

    @classmethod
    def of(cls, cassette: Cassette) -> Sums:
        """Sum a cassette up."""
        interactions = [each for recording in cassette.recordings for each in recording.interactions]
        usages: list[dict[str, Any] | None] = [each.reply["usage"] for each in interactions]
        tokens = [None if each is None else each["input_tokens"] + each["output_tokens"] for each in usages]
        costs = [None if each is None else each["cost_usd"] for each in usages]
        return cls(
            trials=len(cassette.recordings),
            incomplete=sum(each.measured is None for each in cassette.recordings),
            requests=len(interactions),
            tokens=None if None in tokens else sum(filter(None, tokens)),
            cost_usd=None if None in costs else sum(filter(None, costs)),
            date=max((each.date for each in interactions), default=""),
            sdks=tuple(sorted({each.reply["sdk"] for each in interactions if each.reply.get("sdk")})),
            reference=any(each.reply.get("mode") == "reference" for each in interactions),
        )

    def as_json(self) -> dict[str, Any]:
        """Give the figures by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def secrets_in(cassette: Cassette, redactor: Redactor) -> Iterator[str]:
    """Say where a cassette holds what looks like a secret, and what it looks like; never the secret."""
    for where, part in _parts(cassette):
        # As a run takes them out: what is left is a secret by a variable that this process alone has, or was put there.
        if redactor.record(part) is not part:
            kinds = list(dict.fromkeys(kind for kind, _ in redactor.finds(json.dumps(part))))
            yield f"{where}: {', '.join(kinds) or 'a field whose name says that it is secret'}"


def _parts(cassette: Cassette) -> Iterator[tuple[str, Any]]:
    for name, offer in cassette.offers.items():
        yield f"offer {name}", offer
    for recording in cassette.recordings:
        for number, interaction in enumerate(recording.interactions, 1):
            yield f"request {number} of trial {recording.trial}", {"added": list(interaction.added)}
            yield f"reply {number} of trial {recording.trial}", dict(interaction.reply)
