"""Placeholder, replaced below."""


def run(base_url: str, email: str, password: str) -> None:
    return None
