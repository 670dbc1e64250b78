"""Chunks of rows over the machines of a Ray cluster; the journal stays here and has one writer.

Each worker builds the pipeline of a recipe once and keeps it. Chunks come back in their order, so
that the result is the same to the byte as without Ray; a worker that dies is asked again by Ray,
and a killed run goes on from the journal as always. Every machine of the cluster needs the program,
and pack and weights under the same paths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from cityllm.errors import ConfigError
from cityllm.petitions.intake import Row
from cityllm.petitions.pipeline import Outcome, Pipeline, Recipe, Times

LOCAL = "local"
"""The address that starts Ray on this machine for the time of the run."""
AHEAD = 2
"""Chunks sent out for each CPU of the cluster."""
Chunk = tuple[Any, list[str], list[Row]]
_OWN: dict[str, Pipeline] = {}


def outcomes(chunks: Iterator[Chunk], recipe: Recipe, address: str,
             ) -> Iterator[tuple[Any, list[str], list[Outcome], Times]]:
    """Each chunk done, in order. ConfigError where Ray is not installed or does not answer."""
    ray = _connect(address)
    try:
        work, held = ray.remote(_work), ray.put(recipe)
        room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting: deque[tuple[Any, list[str], Any]] = deque()
        for place, keys, rows in chunks:
            waiting.append((place, keys, work.remote(held, rows) if rows else None))
            if len(waiting) > room:
                yield _done(ray, *waiting.popleft())
        while waiting:
            yield _done(ray, *waiting.popleft())
    finally:
        ray.shutdown()


def _connect(address: str) -> Any:
    try:
        import ray
    except ImportError:
        raise ConfigError(
            "--ray 需要 Ray，这里没有安装。请运行 .venv/bin/python -m pip install -c requirements.lock -e "
            "\".[ray]\"；只用本机请改用 --workers N。",
            "--ray needs Ray, which is not installed. Run .venv/bin/python -m pip install -c "
            "requirements.lock -e \".[ray]\"; on one machine use --workers N.") from None
    try:
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if address == LOCAL:
            ray.init(include_dashboard=False, **options)
        else:
            ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as problem:
        first = str(problem).splitlines()[0]
        raise ConfigError(
            f"连不上 Ray 集群 {address}：{first}。请核对地址（如 ray://主机:10001 或 auto），local 表示本机。",
            f"The Ray cluster {address} cannot be reached: {first}. Check the address (like "
            "ray://HOST:10001, or auto); local means this machine.") from None
    return ray


def _done(ray: Any, place: Any, keys: list[str], sent: Any,
          ) -> tuple[Any, list[str], list[Outcome], Times]:
    found, times = ray.get(sent) if sent is not None else ([], Times())
    return place, keys, found, times


def _work(recipe: Recipe, rows: Sequence[Row]) -> tuple[list[Outcome], Times]:
    """In a worker: one chunk through the pipeline of the recipe."""
    times, name = Times(), f"{recipe.fingerprint} {sorted(recipe.given.items())}"
    if name not in _OWN:
        _OWN.clear()
        _OWN[name] = recipe.build()
    return _OWN[name].run(rows, times), times
