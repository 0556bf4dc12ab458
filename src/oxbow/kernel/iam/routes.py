"""All routes of IAM."""

from __future__ import annotations

from fastapi import APIRouter

from oxbow.kernel.audit.service import AuditService
from oxbow.kernel.iam.routes_links import links_router
from oxbow.kernel.iam.routes_policies import groups_router, policies_router
from oxbow.kernel.iam.routes_questions import audits_router, iam_extensions_router, questions_router
from oxbow.kernel.iam.routes_users import user_keys_router, users_router
from oxbow.kernel.iam.service import IamService


def iam_routers(iam: IamService, audit: AuditService) -> list[APIRouter]:
    """The clients' routes first, then the extensions."""
    return [
        users_router(iam),
        user_keys_router(iam),
        groups_router(iam),
        policies_router(iam),
        links_router(iam),
        questions_router(iam),
        audits_router(audit),
        iam_extensions_router(iam),
    ]
