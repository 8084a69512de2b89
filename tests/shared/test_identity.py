"""Identifiers and clocks."""

import hashlib
import time
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared import contracts
from shared.kernel import clock
from shared.kernel.ids import id_of_hash, new_event_id, new_id, tag_of, type_tag
from tests.days import present_day


def test_ids_are_uuid7_and_sort_by_time() -> None:
    ids = []
    for _ in range(5):
        ids.append(new_id())
        time.sleep(0.002)
    assert ids == sorted(ids) and len(set(ids)) == 5
    assert all(i.version == 7 and i.variant == "specified in RFC 4122" for i in ids)
    assert abs((ids[0].int >> 80) / 1000 - time.time()) < 60


def test_an_event_id_names_its_type() -> None:
    for name in contracts.events():
        event_id = new_event_id(name)
        assert event_id.version == 7 and tag_of(event_id) == type_tag(name)
        assert contracts.type_of_event_id(event_id) == name


@given(st.binary(max_size=50))
def test_an_id_of_a_hash_is_uuid8_and_stable(body: bytes) -> None:
    digest = hashlib.sha256(body).digest()
    made = id_of_hash(digest)
    assert made == id_of_hash(digest) and made.version == 8 and made.variant == "specified in RFC 4122"


def test_the_clock_can_be_moved() -> None:
    before = clock.now()
    with clock.shifted(timedelta(days=1)):
        assert clock.now() - before >= timedelta(days=1) and present_day() > before.date()
    assert clock.now() - before < timedelta(minutes=1)
