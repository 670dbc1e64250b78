"""The sample district and one simulated morning on it, with UXsim's C++ core.

UXsim moves platoons by a kinematic wave model; drivers choose routes by current travel times.
Signals are not run one by one: each link's capacity is what its junction lets through in an hour.
Lengths in m, times in s, speeds of the tables in km/h.
"""

from __future__ import annotations

import csv
import heapq
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent / "data" / "district"
PEAK_S = 3600.0
END_S = 7200.0
PLATOON = 2                 # vehicles that move together
JAM_DENSITY = 0.15          # vehicles per m and lane


@dataclass(frozen=True)
class Link:
    """One direction of a street: free-flow speed in m/s, capacity at its end in vehicles/s."""

    name: str
    start: str
    end: str
    road: str
    length: float
    lanes: int
    speed: float
    capacity: float


@dataclass(frozen=True)
class Trips:
    """Vehicles in the peak hour from one junction to another."""

    origin: str
    destination: str
    volume: float


@dataclass(frozen=True)
class District:
    """Network, demand and the names of the roads."""

    nodes: Mapping[str, tuple[float, float]]
    links: tuple[Link, ...]
    demand: tuple[Trips, ...]
    roads: Mapping[str, Mapping[str, Any]]
    subject_percent: float
    restricted_percent: Mapping[str, float]

    def without(self, road: str) -> tuple[Link, ...]:
        """The links left when a road is closed to all vehicles."""
        return tuple(link for link in self.links if link.road != road)

    def kept_share(self, rule: str) -> float:
        """Share of trips still made under a plate rule."""
        return 1 - self.subject_percent * self.restricted_percent[rule] / 10000


@dataclass(frozen=True)
class Outcome:
    """What one run gave. Delay and index compare with the open, empty district.

    A trip that is unfinished at the end counts with its time so far, so delay is then a lower
    bound. `link_speed` is the mean speed of each link over the run, in m/s.
    """

    trips: int
    finished: int
    finished_in_peak: int
    distance_m: float
    time_s: float
    free_time_s: float
    link_speed: Mapping[str, float]
    link_passed: Mapping[str, float]

    @property
    def unfinished(self) -> int:
        """Vehicles that did not arrive."""
        return self.trips - self.finished

    @property
    def speed_kmh(self) -> float:
        """All distance by all time, waiting to enter included."""
        return self.distance_m / self.time_s * 3.6 if self.time_s else 0.0

    @property
    def delay_s(self) -> float:
        """Seconds a vehicle above its fastest free way."""
        return (self.time_s - self.free_time_s) / self.trips if self.trips else 0.0

    @property
    def index(self) -> float:
        """Time by free-flow time; 1 is an empty road."""
        return self.time_s / self.free_time_s if self.free_time_s else 1.0


@lru_cache(maxsize=2)
def load_district(folder: Path = DATA) -> District:
    """Read the three tables and `roads.yaml`. Raises ValueError where they do not fit together."""
    names: dict[str, Any] = yaml.safe_load((folder / "roads.yaml").read_text(encoding="utf-8"))
    nodes = {row["node"]: (float(row["x [m]"]), float(row["y [m]"]))
             for row in _rows(folder / "nodes.csv")}
    links = tuple(Link(row["link"], row["from"], row["to"], row["road"], float(row["length [m]"]),
                       int(row["lanes [lanes per direction]"]),
                       float(row["free_flow_speed [km/h]"]) / 3.6,
                       float(row["capacity [vehicles/h]"]) / 3600)
                  for row in _rows(folder / "links.csv"))
    demand = tuple(Trips(row["origin"], row["destination"], float(row["trips [vehicles/h]"]))
                   for row in _rows(folder / "demand.csv"))
    used = {n for link in links for n in (link.start, link.end)}
    used |= {n for trips in demand for n in (trips.origin, trips.destination)}
    if not used <= set(nodes) or {link.road for link in links} != set(names["roads"]):
        raise ValueError("the district's tables name a node or a road that is not there")
    return District(nodes, links, demand, names["roads"], float(names["subject_percent"]),
                    names["restricted_percent"])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def free_times(links: tuple[Link, ...]) -> Callable[[str, str], float]:
    """A function of origin and destination: seconds on the fastest empty way, inf without one."""
    leaving: dict[str, list[tuple[str, float]]] = {}
    for link in links:
        leaving.setdefault(link.start, []).append((link.end, link.length / link.speed))

    @cache
    def from_node(origin: str) -> dict[str, float]:
        best, queue = {origin: 0.0}, [(0.0, origin)]
        while queue:
            time, node = heapq.heappop(queue)
            if time > best[node]:
                continue
            for after, cost in leaving.get(node, []):
                if time + cost < best.get(after, float("inf")):
                    best[after] = time + cost
                    heapq.heappush(queue, (time + cost, after))
        return best

    return lambda origin, destination: from_node(origin).get(destination, float("inf"))


def simulate(district: District, links: tuple[Link, ...], share: float, seed: int) -> Outcome:
    """One morning on these links with this share of the demand. The same seed, the same result."""
    from uxsim import World

    world: Any = World(name="", deltan=PLATOON, tmax=END_S, random_seed=seed, cpp=True,
                       print_mode=0, save_mode=0, show_mode=0, show_progress=0,
                       duo_update_time=300, vehicle_logging_timestep_interval=0)
    for name, (x, y) in district.nodes.items():
        world.addNode(name, x, y)
    for link in links:
        world.addLink(link.name, link.start, link.end, length=link.length,
                      free_flow_speed=link.speed, number_of_lanes=link.lanes,
                      jam_density_per_lane=JAM_DENSITY, capacity_out=link.capacity)
    for trips in district.demand:
        world.adddemand(trips.origin, trips.destination, 0, PEAK_S, volume=trips.volume * share)
    world.exec_simulation()
    return _measure(district, links, world)


def _measure(district: District, links: tuple[Link, ...], world: Any) -> Outcome:
    free = free_times(district.links)
    finished = in_peak = 0
    distance = time = free_time = 0.0
    for vehicle in world.VEHICLES.values():
        left = vehicle.departure_time_in_second
        done = vehicle.state == "end"
        took = vehicle.travel_time if done else END_S - left
        finished += done
        in_peak += done and left + took <= PEAK_S
        time += took
        distance += vehicle.distance_traveled
        free_time += free(vehicle.orig.name, vehicle.dest.name)
    speeds, passed = {}, {}
    for link in links:
        simulated = world.get_link(link.name)
        inside = sum(a - d for a, d in zip(simulated.cum_arrival, simulated.cum_departure,
                                           strict=True)) * world.DELTAT
        passed[link.name] = float(simulated.cum_departure[-1])
        mean = passed[link.name] * link.length / inside if inside else link.speed
        speeds[link.name] = float(min(mean, link.speed))
    return Outcome(len(world.VEHICLES) * PLATOON, finished * PLATOON, in_peak * PLATOON,
                   distance * PLATOON, time * PLATOON, free_time * PLATOON, speeds, passed)


def find_road(district: District, text: str) -> str | None:
    """The key of a road named by key, by its Chinese or English name, or by an alias."""
    wanted = re.sub(r"[\s_]+", "_", text.strip().lower())
    for key, names in district.roads.items():
        spellings = (key, names["zh"], names["en"].replace(" ", "_"), *names["aliases"])
        if wanted in spellings:
            return key
    return None
