"""`make test`: two lanes that are all tests, with ports of their own, one exit code, and no output lost."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import lanes, weathers
from tests.__main__ import main
from tests.lanes import Lane

Make = Callable[[str, str], Lane]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of pytest in these tests load no plugin of a package: most of their time would go there."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A lane with one file of tests, outside of the checkout's settings."""
    monkeypatch.setattr(lanes, "LOGS", tmp_path / "logs")

    def make(name: str, code: str) -> Lane:
        file = tmp_path / f"test_{name}.py"
        file.write_text(code)
        return Lane(name, ["-q", "-c", os.devnull, f"--rootdir={tmp_path}", "-p", "no:cacheprovider", str(file)], "1-2")

    return make


def test_every_test_is_in_one_lane_and_the_slowest_are_listed() -> None:
    edge, rest = lanes.halves()
    assert [a for a in edge.arguments if a != "--durations=30"] == list(lanes.EDGE)
    assert {a.removeprefix("--ignore=") for a in rest.arguments if a != "--durations=30"} == set(lanes.EDGE)
    assert all((lanes.ROOT / path).exists() for path in lanes.EDGE)
    assert all("--durations=30" in one.arguments for one in (edge, rest))


def test_lanes_share_no_port() -> None:
    (first, end), (begin, last) = (map(int, one.ports.split("-")) for one in lanes.halves())
    assert 20_000 == first < end < begin < last < 32_768, "above are the ports of outgoing connections"


def test_one_failure_is_the_end_of_all(lane: Make, capfd: pytest.CaptureFixture[str]) -> None:
    """And the lane that failed is shown last, each in one piece."""
    failing = lane("red", "def test_red():\n    assert 1 == 2, 'no luck'\n")
    passing = lane("green", "import os\ndef test_green():\n    assert os.environ['TEST_LANE'] == 'green'\n")
    assert lanes.run([failing, passing]) == 1
    shown = capfd.readouterr().out
    assert (failing.code, passing.code) == (1, 0)
    assert re.search(r"lane green .*1 passed.*lane red .*no luck.*1 failed", shown, re.DOTALL)
    assert re.search(r"red: 1 failed.*\(exit code 1\)\ngreen: 1 passed.*\(exit code 0\)\n$", shown)
    assert lanes.run([passing]) == 0


def test_on_one_core_one_lane_follows_the_other(lane: Make, tmp_path: Path) -> None:
    """Beside each other the second would find the mark of the first."""
    mark = tmp_path / "mark"
    code = f"""
import pathlib, time
def test_alone():
    mark = pathlib.Path({str(mark)!r})
    mark.touch(exist_ok=False)
    time.sleep(0.3)
    mark.unlink()
"""
    assert lanes.run([lane("one", code), lane("two", code)], width=1) == 0


@pytest.mark.parametrize("given", ["", "twice,as_is"])
def test_weathers_are_chosen_by_the_setting(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain pytest and `make test-all` have all of them, `make test` those of the commit."""
    monkeypatch.setenv(weathers.SETTING, given)
    assert weathers.chosen() == (given.split(",") if given else list(weathers.WEATHERS))
    assert weathers.of_commit() in weathers.PAIRS
    assert sorted(name for pair in weathers.PAIRS for name in pair) == sorted(weathers.WEATHERS)


def test_an_unknown_weather_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weathers.SETTING, "as_is,hail")
    with pytest.raises(ValueError, match="no weather hail"):
        weathers.chosen()


def test_an_interruption_lets_both_lanes_stop_their_servers(tmp_path: Path) -> None:
    """Also where Ctrl-C is not heard, as in the background of a shell."""
    code = f"""
import pathlib, pytest, time
@pytest.fixture
def server():
    yield
    pathlib.Path({str(tmp_path)!r}, "stopped").touch()
def test_long(server):
    pathlib.Path({str(tmp_path)!r}, "started").touch()
    time.sleep(60)
"""
    (tmp_path / "test_long.py").write_text(code)
    run = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", os.devnull, str(tmp_path / "test_long.py")]
    deaf = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *run]
    with subprocess.Popen(deaf, cwd=lanes.ROOT, stdout=subprocess.PIPE) as process:
        lane = Lane("long", run, "1-2", process)
        while not (tmp_path / "started").exists():
            assert process.poll() is None
            time.sleep(0.02)
        lane.interrupt()
        assert process.wait(30) == 2, "what pytest says of an interruption"
    assert (tmp_path / "stopped").exists()


def made(target: str, *settings: str) -> str:
    """What `make` would run, without running it."""
    asked = ["make", "--dry-run", target, *settings]
    return subprocess.run(asked, cwd=lanes.ROOT, capture_output=True, text=True, check=True).stdout


def test_make_hands_on_what_was_asked() -> None:
    assert "-m tests --service= -k contacts" in made("test", "ARGS=-k contacts")
    assert "-m tests --service=erp_finance" in made("test", "SERVICE=erp_finance")
    assert "-m tests --all" in made("test-all")


def test_help_shows_every_target() -> None:
    targets = re.findall(r"^([a-z-]+):", (lanes.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    shown = subprocess.run(["make", "help"], cwd=lanes.ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE) == targets and "test-all" in targets


def test_a_service_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests, the contracts and the architecture, in this process; an unknown one is refused."""
    started: list[str] = []

    def executed(program: str, arguments: list[str]) -> None:
        started.extend(arguments)
        raise SystemExit

    monkeypatch.setattr(os, "execv", executed)
    with pytest.raises(SystemExit):
        main(["--service=erp_finance", "-x"])
    assert started[1:] == ["-m", "pytest", "tests/erp_finance", "tests/contracts", "tests/architecture", "-x"]
    with pytest.raises(SystemExit, match="no service nobody"):
        main(["--service=nobody"])
