"""Row 101: rights that are taken away while everything that they were lent to goes on."""

import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.faults.client import Client, History, sign_in
from tests.faults.gates import Trial, gate
from tests.rights_taken import CHANNELS, PASSWORD, SECONDS, UNTOLD, WAYS, World, everybody, take_all


@gate(101, "rights taken away in every way, on every channel")
def take_rights_away(trial: Trial) -> None:
    """A1: gone within five seconds, with and without the company in a header; meanwhile somebody demoted climbs back."""
    work = trial.work()
    with work.running(clients=1), everybody(trial.rig.suite) as world:
        climbers = [Climber(world, header) for header in ({}, world.other)]
        for climber in climbers:
            climber.start()
        take_all(world)
        for climber in climbers:
            climber.judge(trial)
    _check_gone(trial, world)


def _check_gone(trial: Trial, world: World) -> None:
    for channel in CHANNELS:
        seconds = []
        for way in (way for way in WAYS if (way, channel) not in UNTOLD):
            for header in (False, True):
                gone = world.gone.get((way, header, channel))
                seconds.append(gone if gone is not None else float("inf"))
                held = gone is not None and gone <= SECONDS
                trial.result.expect(held, f"{way}, header {header}, {channel}: gone after {gone} s")
        trial.result.figures[f"{channel}_s"] = max(seconds)
    trial.result.expect(all(not world.lets_in(v) for v in world.victims if v.way not in _UNHEARD), "AMQP lets one in")


_UNHEARD = {way for way, channel in UNTOLD if channel == "amqp"}


class Climber:
    """An administrator of a moment ago, who wants the rights back and goes on writing until it is refused."""

    def __init__(self, world: World, header: dict[str, str]) -> None:
        self.world, self.header = world, header
        self.user, self.stronger = world.user("admin"), world.user("admin")
        url = world.suite.base_url
        self.client = Client(url, sign_in(url, self.user["email"], PASSWORD), History(Path("/dev/null")))
        self.got: list[tuple[str, int]] = []
        self.wrote = 0.0
        self.demoted = 0.0
        self.thread = threading.Thread(target=self._climb)

    def start(self) -> None:
        """Known to the edge as an administrator, then none any more."""
        assert self._ask("GET", "/v1/users?limit=1", None) == 200
        path = f"/v1/users/{self.user['id']}"
        self.world.api.patch(path, {"roles": ["hr"]}, self.world.api.get(path)["version"])
        self.demoted = time.monotonic()
        self.thread.start()

    def _climb(self) -> None:
        name = f"r{uuid4().hex[:12]}"
        tries: tuple[tuple[str, str, Any], ...] = (
            ("PATCH", f"/v1/users/{self.user['id']}", {"roles": ["admin"]}),
            ("POST", "/v1/roles", {"name": name, "permissions": ["*"]}),
            ("POST", "/v1/api-keys", {"name": "x", "scopes": ["*"]}),
            ("POST", f"/v1/users/{self.stronger['id']}/set-password", {"password": "violet-ladder-fog-3"}),
        )
        while time.monotonic() < self.demoted + SECONDS + 1:
            self.got += [(path, self._ask(method, path, body)) for method, path, body in tries]
            begun = time.monotonic()
            if self._ask("POST", "/v1/products", {"sku": str(uuid4()), "name": "Climber"}) == 201:
                self.wrote = begun
            time.sleep(0.1)

    def _ask(self, method: str, path: str, body: Any) -> int:
        patch = {"If-Match": "*", "Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        headers = {**self.header, **patch}
        return self.client.once(method, path, body, headers=headers).status

    def judge(self, trial: Trial) -> None:
        self.thread.join()
        self.client.close()
        taken = [found for found in self.got if found[1] < 400]
        trial.result.expect(len(self.got) > 20 and not taken, f"header {bool(self.header)}: climbed by {taken[:3]}")
        odd = {status for _, status in self.got if status != 403}
        trial.result.expect(not odd, f"climbing is answered with {odd}")
        wrote = max(0.0, self.wrote - self.demoted)
        trial.result.figures["wrote_for_s"] = max(wrote, trial.result.figures.get("wrote_for_s", 0.0))
        trial.result.expect(wrote <= SECONDS, f"header {bool(self.header)}: wrote for {wrote:.1f} s")
        roles = self.world.api.get(f"/v1/users/{self.user['id']}")["roles"]
        trial.result.expect(roles == ["hr"], f"the climber has the roles {roles}")
