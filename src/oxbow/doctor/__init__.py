"""`oxbow doctor`: what is missing or misconfigured on this machine, and how to mend it."""

from oxbow.doctor.finding import Finding, State
from oxbow.doctor.rounds import examine

__all__ = ["Finding", "State", "examine"]
