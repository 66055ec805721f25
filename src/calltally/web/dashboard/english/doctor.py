"""Texts of the page of findings about the installation."""

from collections.abc import Mapping
from typing import Final

DOCTOR_TEXTS: Final[Mapping[str, str]] = {
    "doctor": "Installation",
    "doctor_hint": "Calltally {version} on {database}, examined {at}, as by the command calltally doctor.",
    "doctor_growth": "The database has {size} and grows by {growth} a day.",
    "doctor_full": "The disk is full on {day}.",
    "doctor_finding": "Finding: {check}",
    "doctor_none": "No findings.",
    "doctor_passed": "Without findings: {checks}.",
}
