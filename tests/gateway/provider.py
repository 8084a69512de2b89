"""A small OpenID provider on loopback: discovery, keys, codes bound to PKCE, and ID tokens that lie when told to.

It shares no code with the gateway.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CLIENT, SECRET = "liaison", "s3cret of:the/client"
_KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": Ed25519PrivateKey.generate(),
}


class ProviderServer:
    """`claims`, `headers`, `algorithm` and `key` change what the next ID tokens say and how they are signed."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.headers: dict[str, Any] = {}
        self.algorithm, self.key, self.token = "RS256", None, None
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "ProviderServer":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def tell(self, **claims: Any) -> "ProviderServer":
        """An honest provider with these claims, until told otherwise."""
        self.claims, self.headers, self.algorithm, self.key, self.token = claims, {}, "RS256", None, None
        return self

    def consent(self, address: str) -> tuple[str, str]:
        """What a browser does there: the code and the state that it is sent back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self.codes[code] = query
        return code, query["state"]

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        from urllib.parse import unquote

        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        asked = self.codes.pop(form["code"], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        )
        if asked is None or [unquote(part) for part in pair] != [CLIENT, SECRET]:
            return 400, {"error": "invalid_grant"}
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {
            "id_token": self.token or self._id_token(asked["nonce"]),
            "access_token": "x",
            "token_type": "Bearer",
        }

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        told = {
            "iss": self.issuer, "aud": CLIENT, "sub": "42", "iat": now, "exp": now + 300, "nonce": nonce,
            "email_verified": True, **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in told.items() if value is not None}
        headers = {n: v for n, v in {"kid": self.algorithm, **self.headers}.items() if v is not None}
        return jwt.encode(claims, self.key or _KEYS[self.algorithm], self.algorithm, headers=headers)

    def _document(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return {"issuer": self.issuer, **{name: f"{self.issuer}/{end}" for name, end in names.items()}}
        return {"keys": [_public(name, key) for name, key in _KEYS.items()]} if path == "/keys" else None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                found = provider._document(self.path)
                self._send(404 if found is None else 200, found or {})

            def do_POST(self) -> None:
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._send(*provider.redeem(form, self.headers["Authorization"]))

            def _send(self, status: int, value: dict[str, Any]) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _public(name: str, key: Any) -> dict[str, Any]:
    algorithm = jwt.get_algorithm_by_name(name)
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}  # type: ignore[attr-defined]
