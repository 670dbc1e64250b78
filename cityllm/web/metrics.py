"""What the API did, for Prometheus: requests by route and status, their seconds, the catalogue.

Counted in this process: with several workers each is a target of its own.
"""

from __future__ import annotations

import time
from typing import Any

from fastapi import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from cityllm.policies.service import PolicyService
from cityllm.web.callers import Callers
from cityllm.web.exact import exact_router
from cityllm.web.guard import App, Message, Receive, Scope, Send

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


class Metrics:
    """Counters of one process."""

    def __init__(self, service: PolicyService) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("cityllm_api_requests", "Requests answered",
                                ("route", "method", "status"), registry=self.registry)
        self.seconds = Histogram("cityllm_api_seconds", "Seconds until the reply was sent",
                                 ("route",), registry=self.registry, buckets=SECONDS)
        policies = Gauge("cityllm_policies", "Policies in the catalogue", registry=self.registry)
        policies.set(len(service.rules.policies))

    def wrap(self, app: App) -> App:
        """The application, counted."""
        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began, status = time.perf_counter(), 500

            async def noting(message: Message) -> None:
                nonlocal status
                status = message.get("status", status)
                await send(message)

            try:
                await app(scope, receive, noting)
            finally:
                # A path that no route takes must not make a label of its own.
                route = getattr(scope.get("route"), "path", "none")
                self.requests.labels(route, scope["method"], str(status)).inc()
                self.seconds.labels(route).observe(time.perf_counter() - began)

        return counting


def metrics_routes(metrics: Metrics, callers: Callers) -> Any:
    """`/metrics`."""
    router = exact_router("operation")

    @router.get("/metrics", summary="运行指标 Metrics", dependencies=[callers.may("metrics")],
                response_class=Response, responses={200: {
                    "description": "Prometheus", "content": {"text/plain": {
                        "schema": {"type": "string"}}}}})
    def read_metrics() -> Response:
        """Prometheus 文本格式。 Prometheus text format."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return router
