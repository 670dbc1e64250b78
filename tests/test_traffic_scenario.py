"""The traffic example against theory: free flow, capacity, conservation, determinism, direction."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools import ToolInputError
from tools.district import (
    PLATOON,
    District,
    Link,
    Trips,
    find_road,
    free_times,
    load_district,
    simulate,
)
from tools.district_map import chinese_font
from tools.traffic_scenario import RULES, traffic_scenario


def straight(volume: float, capacity: float = 1.0) -> District:
    """Two links of 1 km at 10 m/s, one after the other."""
    links = (Link("ab", "a", "b", "road", 1000, 1, 10, capacity),
             Link("bc", "b", "c", "road", 1000, 1, 10, capacity))
    return District({"a": (0, 0), "b": (1000, 0), "c": (2000, 0)}, links,
                    (Trips("a", "c", volume),), {}, 0, {"none": 0})


def test_an_empty_road_is_driven_at_free_flow_speed() -> None:
    outcome = simulate(straight(40), straight(40).links, 1, seed=1)
    assert 40 - PLATOON <= outcome.trips == outcome.finished <= 40
    assert outcome.speed_kmh == pytest.approx(36, rel=0.02)
    assert outcome.index == pytest.approx(1, rel=0.02)
    assert 0 <= outcome.delay_s < 4


def test_no_more_vehicles_pass_than_the_capacity_allows() -> None:
    road = straight(1500, capacity=900 / 3600)
    outcome = simulate(road, road.links, 1, seed=1)
    assert outcome.finished_in_peak <= 900
    assert outcome.finished_in_peak >= 800
    assert outcome.finished == outcome.trips


def test_the_delay_before_a_bottleneck_is_what_the_queue_formula_says() -> None:
    """Constant arrivals above capacity: mean delay is half the last vehicle's, deterministic."""
    volume, capacity = 1200, 900
    road = straight(volume, capacity / 3600)
    outcome = simulate(road, road.links, 1, seed=1)
    last = volume / (capacity / 3600) - 3600
    assert outcome.delay_s == pytest.approx(last / 2, rel=0.05)


def test_free_times_agree_with_another_shortest_path() -> None:
    """Floyd and Warshall's matrix against Dijkstra's queue."""
    district = load_district()
    place = {node: i for i, node in enumerate(district.nodes)}
    best = np.full((len(place), len(place)), np.inf)
    np.fill_diagonal(best, 0)
    for link in district.links:
        best[place[link.start], place[link.end]] = link.length / link.speed
    for middle in range(len(place)):
        best = np.minimum(best, best[:, [middle]] + best[[middle], :])
    free = free_times(district.links)
    for origin, i in place.items():
        for destination, j in place.items():
            assert math.isclose(free(origin, destination), best[i, j], abs_tol=1e-9)


def test_the_district_is_what_it_says() -> None:
    district = load_district()
    assert len(district.nodes) == 36
    for link in district.links:
        (x0, y0), (x1, y1) = district.nodes[link.start], district.nodes[link.end]
        assert link.length == math.hypot(x1 - x0, y1 - y0)
        assert 30 / 3.6 <= link.speed <= 60 / 3.6
        assert 500 / 3600 * link.lanes <= link.capacity <= 1200 / 3600 * link.lanes


def test_every_trip_can_be_made_whichever_road_is_closed() -> None:
    district = load_district()
    for road in district.roads:
        left, all_open = free_times(district.without(road)), free_times(district.links)
        for trips in district.demand:
            around = left(trips.origin, trips.destination)
            assert all_open(trips.origin, trips.destination) <= around < math.inf


def test_vehicles_are_conserved_at_every_junction() -> None:
    district = load_district()
    outcome = simulate(district, district.links, 1, seed=3)
    assert outcome.unfinished == 0
    wanted = sum(trips.volume for trips in district.demand)
    assert wanted - PLATOON * len(district.demand) <= outcome.trips <= wanted
    start, end = dict.fromkeys(district.nodes, 0.0), dict.fromkeys(district.nodes, 0.0)
    for trips in district.demand:
        start[trips.origin] += trips.volume
        end[trips.destination] += trips.volume
    for node in district.nodes:
        arrived = sum(outcome.link_passed[link.name] for link in district.links if link.end == node)
        left = sum(outcome.link_passed[link.name] for link in district.links if link.start == node)
        slack = PLATOON * len(district.demand)
        assert abs((arrived + start[node]) - (left + end[node])) <= slack
    assert all(outcome.link_speed[link.name] <= link.speed for link in district.links)


def test_the_same_seed_gives_the_same_figures_and_another_seed_may_not() -> None:
    first, second = (traffic_scenario("north_bridge", seed=5) for _ in range(2))
    assert first.values == second.values
    assert first.before == second.before and first.after == second.after
    assert first.seed == 5
    assert traffic_scenario("north_bridge", seed=6).after != first.after


@pytest.mark.parametrize("road", ["main_road", "north_bridge", "ring_east"])
def test_closing_a_road_never_adds_capacity(road: str) -> None:
    result = traffic_scenario(road)
    assert result.before is not None and result.after is not None
    assert result.after.finished_in_peak <= result.before.finished_in_peak
    assert result.after.delay_s > result.before.delay_s
    assert result.after.trips == result.before.trips


def test_delay_rises_with_demand() -> None:
    district = load_district()
    delays = [simulate(district, district.links, share, 42).delay_s
              for share in (0.5, 0.8, 1.0, 1.1, 1.25, 1.5)]
    assert delays == sorted(delays) and len(set(delays)) == 6
    result = traffic_scenario(demand_percent=25)
    assert result.after and result.after.delay_s == delays[4]


def test_plate_rules_take_the_stated_share_of_trips_off_the_road() -> None:
    district = load_district()
    assert district.kept_share("odd_even") == pytest.approx(0.6)
    assert district.kept_share("one_day_a_week") == pytest.approx(0.84)
    strict, mild = (traffic_scenario(plate_restriction=r) for r in ("odd_even", "one_day_a_week"))
    assert strict.before == mild.before
    assert strict.before and strict.after and mild.after
    assert strict.after.delay_s < mild.after.delay_s < strict.before.delay_s
    assert strict.after.trips == pytest.approx(0.6 * strict.before.trips, rel=0.05)


def test_lifting_starts_from_the_restricted_state() -> None:
    lifted = traffic_scenario(plate_restriction="lift")
    imposed = traffic_scenario(plate_restriction="one_day_a_week")
    assert (lifted.before, lifted.after) == (imposed.after, imposed.before)
    assert "之前为每周限行一天" in lifted.summary("zh")


def test_figures_summary_and_units_agree() -> None:
    result = traffic_scenario("主路", 10)
    values = result.values
    assert result.inputs["close"] == "main_road"
    assert values["mean_speed_after"].unit == "km/h" and values["delay_after"].unit == "s/veh"
    for key in ("mean_speed_before", "mean_speed_after", "delay_after", "congestion_index_after"):
        assert values[key].text in result.summary("zh") and values[key].text in result.summary("en")
    before, after = (float(values[f"mean_speed_{w}"].text) for w in ("before", "after"))
    change = float(values["speed_change_percent"].text)
    assert change == pytest.approx((after - before) / before * 100, abs=0.5)
    assert result.images == () and "示例街区（非真实城市）" in result.summary("zh")


def test_the_map_is_drawn_where_asked_and_in_time(tmp_path: Path) -> None:
    from matplotlib.image import imread

    began = time.perf_counter()
    result = traffic_scenario("main_road", folder=tmp_path / "maps")
    assert time.perf_counter() - began < 15
    assert result.map_language == ("zh" if chinese_font() else "en")
    picture = imread(result.images[0])
    assert picture.shape[1] > 1000
    half = picture.shape[1] // 2
    assert (picture[:, :half] != picture[:, -half:]).any(), "before and after differ"


@pytest.mark.parametrize("spelled", ["main_road", "主路", "人民大道", "main road", " Main Road "])
def test_roads_are_found_by_any_of_their_names(spelled: str) -> None:
    assert find_road(load_district(), spelled) == "main_road"


@pytest.mark.parametrize(("close", "demand", "rule", "said"), [
    ("月球大道", 0, "none", "没有“月球大道”"), ("none", 500, "none", "超出范围"),
    ("none", float("nan"), "none", "超出范围"), ("none", 0, "每天限行", "不可用"),
    ("none", 0, "none", "没有要模拟的变化"),
])
def test_wrong_inputs_are_explained(close: str, demand: float, rule: str, said: str) -> None:
    with pytest.raises(ToolInputError) as problem:
        traffic_scenario(close, demand, rule)
    assert said in problem.value.zh
    assert problem.value.en


def test_every_rule_has_its_share() -> None:
    assert set(load_district().restricted_percent) == set(RULES) - {"lift"}


def test_a_table_that_names_a_missing_node_is_refused(tmp_path: Path) -> None:
    from tools.district import DATA

    for path in DATA.iterdir():
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with (tmp_path / "demand.csv").open("a", encoding="utf-8") as file:
        file.write("n00,nowhere,10\n")
    with pytest.raises(ValueError, match="not there"):
        load_district(tmp_path)


def test_unfinished_trips_are_counted_and_said() -> None:
    district = straight(4000, capacity=900 / 3600)
    outcome = simulate(district, district.links, 1, seed=1)
    assert outcome.unfinished > 0
    assert outcome.finished + outcome.unfinished == outcome.trips
    assert "延误是下限" in traffic_scenario(demand_percent=100).summary("zh")
    assert replace(outcome, trips=0).delay_s == 0
