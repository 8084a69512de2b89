"""What may happen to messages on their way: the stories of tests/flows hold in each of these weathers."""

import os
import subprocess
from pathlib import Path

SETTING = "TEST_WEATHERS"
WEATHERS = {
    "as_is": {},
    "twice": {"LIAISON_WEATHER": "duplicate:1"},
    "shuffled": {"LIAISON_WEATHER": "shuffle:2"},
    "failing_once": {"LIAISON_WEATHER": "fail_once"},
}
PAIRS = (("as_is", "shuffled"), ("twice", "failing_once"))


def chosen() -> list[str]:
    """The weathers that the setting names, separated by commas; all where it is not set."""
    names = [name for name in os.environ.get(SETTING, "").split(",") if name] or list(WEATHERS)
    if unknown := set(names) - WEATHERS.keys():
        raise ValueError(
            f"{SETTING}: there is no weather {', '.join(sorted(unknown))}; there are {', '.join(WEATHERS)}"
        )
    return names


def of_commit() -> tuple[str, ...]:
    """Two weathers by the id of the commit: commits take turns, and the same commit meets the same ones again."""
    asked = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True)
    return PAIRS[int(done.stdout[:8] or "0", 16) % len(PAIRS)]
