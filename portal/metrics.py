"""Prometheus metrics: requests by endpoint and outcome, their time, and what waits in the back."""

import time

import sqlalchemy as sa
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy.orm import Session

from portal.http import portal
from portal.models.system import Job

REGISTRY = CollectorRegistry()
REQUESTS = Counter("portal_requests_total", "Requests answered", ["endpoint", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "portal_request_seconds", "Time to answer", ["endpoint"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)  # fmt: skip
RETRIES = Gauge("portal_transaction_retries", "Transactions run again by this process", registry=REGISTRY)
JOBS = Gauge("portal_jobs", "Jobs by kind and status", ["kind", "status"], registry=REGISTRY)


def register(app: Flask) -> None:
    """Counts every request and serves `/metrics`."""

    @app.before_request
    def begin() -> None:
        g.metrics_started = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        answered(request.endpoint or "unknown", response.status_code, g.metrics_started)
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        RETRIES.set(portal().db.retries)
        JOBS.clear()
        for kind, status, count_of in portal().db.read(_waiting_jobs):
            JOBS.labels(kind, status).set(count_of)
        return Response(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def answered(endpoint: str, status: int, started: float) -> None:
    """Counts an answer and its time; `started` is a reading of perf_counter."""
    REQUESTS.labels(endpoint, str(status)).inc()
    SECONDS.labels(endpoint).observe(time.perf_counter() - started)


def answered_from_memory(operation: str) -> None:
    """Counts an answer that was given without waking the application."""
    REQUESTS.labels(f"memory.{operation}", "200").inc()


def _waiting_jobs(session: Session) -> list[tuple[str, str, int]]:
    query = (
        sa.select(Job.kind, Job.status, sa.func.count())
        .where(Job.status.in_(("queued", "running", "dead")))
        .group_by(Job.kind, Job.status)
    )
    return [(kind, status, number) for kind, status, number in session.execute(query)]
