"""JSON bodies in which a number with a point is a Decimal: money must not pass through a float."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.routing import APIRoute

from cityllm.errors import EnterpriseError
from cityllm.policies.enterprises import parse_json


class ExactRequest(Request):
    """A request in whose JSON a number with a point is a Decimal."""

    async def json(self) -> Any:
        """The body. Starlette's 400 for one that cannot be read."""
        try:
            return parse_json(await self.body())
        except EnterpriseError:
            raise HTTPException(400) from None


class ExactRoute(APIRoute):
    """Hands `ExactRequest` to the route."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request of ours."""
        handler = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handler(ExactRequest(request.scope, request.receive))

        return exact


def exact_router(tag: str) -> APIRouter:
    """A router whose routes read their bodies so; `tag` groups them in the description."""
    return APIRouter(tags=[tag], route_class=ExactRoute)
