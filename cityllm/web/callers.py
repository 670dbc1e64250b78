"""Who calls the API, and whether they may: a key from elsewhere, or a person of this site.

On 127.0.0.1 the local user may do all; where people sign in, their role says what; anybody else
needs a key. A key that comes along counts, even where none is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request

from cityllm.errors import KeyNeeded, ScopeMissing
from cityllm.safety.access import Role
from cityllm.safety.api_keys import SCOPES_OF, ApiKeys, Scope
from cityllm.web.guard import USER


@dataclass(frozen=True)
class Callers:
    """`role_of` gives the role of a person of this site."""

    keys: ApiKeys
    role_of: Callable[[str], Role]

    def may(self, scope: Scope) -> Any:
        """A dependency of a route: the caller's name, once it is known that they may."""
        def check(request: Request) -> str:
            return self._check(request, scope)

        return Depends(check)

    def _check(self, request: Request, scope: Scope) -> str:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and token.strip():
            key = self.keys.find(token.strip())
            if scope not in key.scopes:
                raise ScopeMissing(f"密钥 {key.name} 没有权限 {scope}；它有：{'、'.join(key.scopes)}。",
                                   f"The key {key.name} lacks the scope {scope}; it has: "
                                   f"{', '.join(key.scopes)}.")
            self.keys.spend(key)
            return f"key:{key.name}"
        user: str | None = request.scope.get(USER)
        if user is None:
            raise KeyNeeded("需要 API 密钥：请求头 Authorization: Bearer ck_…。由管理员建立："
                            "cityllm api-key add 名称 --scope match。",
                            "An API key is needed: the header Authorization: Bearer ck_…. The "
                            "administrator makes one: cityllm api-key add NAME --scope match.")
        role = self.role_of(user)
        if scope not in SCOPES_OF[role]:
            raise ScopeMissing(f"角色 {role} 没有权限 {scope}。", f"The role {role} lacks {scope}.")
        return f"user:{user}"
