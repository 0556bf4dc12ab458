"""What the object workers let users do, whose names policies share with the routes of the API."""

from __future__ import annotations

from oxbow.kernel.iam.actions import Action
from oxbow.kernel.iam.decision import Reach

UPLOAD = Action("kodo", "Upload", "Upload objects, by tokens that the key signs", Reach.ONE, reads=False)
DOWNLOAD = Action(
    "kodo",
    "Download",
    "Download from a private bucket, by addresses that the key signs",
    Reach.ONE,
    reads=True,
)
