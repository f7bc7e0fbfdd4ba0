"""
Recordings of live models: one JSON file for a scenario, an arm and a model, with all its trials.

They are made and played at the boundary of our own types, so that a replay needs no SDK and no network, and gives
every figure of the recorded run again. docs/cassettes.md describes the files.
"""

from __future__ import annotations

from pytest_codeact.cassettes._files import (
    any_cassette,
    cassette_files,
    cassette_path,
    change_cassette,
    draft_files,
    read_cassette,
)
from pytest_codeact.cassettes._form import SCHEMA, Cassette, Interaction, Measured, Recording, reply_of
from pytest_codeact.cassettes._model import CassetteModel, Slot, unredacted

__all__ = [
    "SCHEMA",
    "Cassette",
    "CassetteModel",
    "Interaction",
    "Measured",
    "Recording",
    "Slot",
    "any_cassette",
    "cassette_files",
    "cassette_path",
    "change_cassette",
    "draft_files",
    "read_cassette",
    "reply_of",
    "unredacted",
]
