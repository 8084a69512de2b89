"""One JSON object per line on standard output; a line break in a value stays inside its string. No bodies, no secrets."""

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record with its `extra` members as one line of JSON."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self.process,
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}
        if record.exc_info and record.exc_info[1]:
            line["error"] = type(record.exc_info[1]).__name__
            line["at"] = _frames(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True, default=str)


def _frames(error: BaseException) -> list[str]:
    """Where it happened, without the text of the exception: that may hold data of customers."""
    return [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-8:]]


def configure(process: str, level: int = logging.INFO) -> None:
    """Send all logs of this process to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(process))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("amqp", "kombu", "nameko", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    # Python would print these as they are, on many lines and with the exception's text, which may hold anybody's data.
    sys.excepthook = unhandled
    threading.excepthook = lambda thrown: unhandled(thrown.exc_type, thrown.exc_value, thrown.exc_traceback)
    sys.unraisablehook = lambda thrown: unhandled(thrown.exc_type, thrown.exc_value, thrown.exc_traceback)


def unhandled(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    """Log an exception that nobody caught."""
    logging.getLogger(__name__).error("unhandled exception", exc_info=error)
