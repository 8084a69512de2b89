"""A11: what nobody catches is one line of JSON, too, without the text of the exception."""

import json

import pytest

from tests.shared.conftest import python

SECRET = "customer-name"
_RUN = f"""
import sys, threading
sys.stderr = sys.stdout
import shared.ops.serve
from shared.ops import logs
logs.configure("p")
shared.ops.serve._log_what_greenlets_raise()
def fail(): raise ValueError("{SECRET}")
"""
_WAYS = {
    "a greenlet": "import eventlet; eventlet.spawn(fail); eventlet.sleep(0.1)",
    "a thread": "t = threading.Thread(target=fail); t.start(); t.join()",
    "a destructor": "class D:\n    def __del__(self): fail()\nD(); import gc; gc.collect()",
    "a warning": f"import warnings; warnings.warn('odd', stacklevel=1); logs.unhandled(None, ValueError('{SECRET}'), None)",
    "the program": "import atexit, os; atexit.register(os._exit, 0); fail()",
}


@pytest.mark.parametrize("way", _WAYS)
def test_what_nobody_catches_is_one_line(way: str) -> None:
    printed = python(f"{_RUN}\n{_WAYS[way]}")
    lines = [json.loads(line) for line in printed.splitlines()]
    assert "ValueError" in [line.get("error") for line in lines], lines
    assert SECRET not in printed
