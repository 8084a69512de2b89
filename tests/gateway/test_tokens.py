"""Access tokens, and thirty ways to forge one. Every wrong token is refused with the same answer."""

import base64
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local.keys import ensure_signing_key
from gateway.identity.tokens import Tokens
from gateway.models import User
from shared.api.caller import Caller
from shared.kernel import ids
from shared.kernel.refusals import Unauthenticated
from shared.kernel.signing import Keys, Signer

ADA = User(id=ids.new_id(), name="Ada", roles=["sales"], company_id=ids.DEFAULT_COMPANY_ID)
SESSION = ids.new_id()


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_signing_key(tmp_path_factory.mktemp("key") / "key.pem")


@pytest.fixture
def tokens(key_file: Path) -> Tokens:
    return _tokens(key_file)


def _tokens(key_file: Path) -> Tokens:
    signer = Signer(str(key_file))
    return Tokens(signer, Keys(own=signer.public))


def refused(tokens: Tokens, authorization: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        tokens.principal(authorization)
    assert refusal.value.text("en") == Unauthenticated().text("en")


def test_a_token_speaks_for_its_user(tokens: Tokens) -> None:
    principal = tokens.principal("Bearer " + tokens.issue(ADA, SESSION))
    assert (principal.id, principal.name, principal.roles) == (str(ADA.id), "Ada", ("sales",))
    assert "sales.*:write" in principal.permissions
    assert tokens.principal("bearer " + tokens.issue(ADA, SESSION)).id == principal.id


def test_verified_once_then_known(tokens: Tokens) -> None:
    header = "Bearer " + tokens.issue(ADA, SESSION)
    assert tokens.principal(header) is tokens.principal(header)


def test_a_known_token_expires_too(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    header = "Bearer " + tokens.issue(ADA, SESSION)
    tokens.principal(header)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 631)
    refused(tokens, header)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer a.b.c", "Bearer " + "a" * 50_000]
)
def test_no_token(tokens: Tokens, header: str) -> None:
    refused(tokens, header)


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": "liaison", "aud": "liaison", "sub": str(ADA.id), "iat": now, "exp": now + 600,
        "jti": "j", "name": "Ada", "roles": ["admin"], "company_id": str(ids.DEFAULT_COMPANY_ID),
    }  # fmt: skip
    return {k: v for k, v in (claims | changes).items() if v is not None}


def _head(key_file: Path) -> dict[str, str]:
    return {"kid": _kid(key_file), "typ": "at+jwt"}


def _kid(key_file: Path) -> str:
    header: dict[str, Any] = jwt.get_unverified_header(_tokens(key_file).issue(ADA, SESSION))
    return str(header["kid"])


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"iat": None},
        {"iss": None},
        {"aud": None},
        {"sub": None},
        {"jti": None},
        {"roles": None},
        {"roles": 7},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"exp": "never"},
    ],
    ids=str,
)
def test_our_own_signature_on_wrong_claims(tokens: Tokens, key_file: Path, changes: dict[str, Any]) -> None:
    token = jwt.encode(_claims(**changes), key_file.read_bytes(), "EdDSA", headers=_head(key_file))
    refused(tokens, f"Bearer {token}")


@pytest.mark.parametrize(
    "kid", [None, "unknown", "../../dev/null", "' OR 1=1 --", "https://evil.example/jwks", "", "0" * 10_000]
)
def test_a_strange_key_id(tokens: Tokens, key_file: Path, kid: str | None) -> None:
    headers = {"kid": kid, "typ": "at+jwt"} if kid is not None else {"typ": "at+jwt"}
    refused(tokens, "Bearer " + jwt.encode(_claims(), key_file.read_bytes(), "EdDSA", headers=headers))


def _unsigned(header: dict[str, Any], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, _claims())]
    return ".".join([*parts, signature])


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "ES256"])
def test_no_signature(tokens: Tokens, key_file: Path, algorithm: str) -> None:
    refused(tokens, "Bearer " + _unsigned({"alg": algorithm, **_head(key_file)}))


def test_the_public_key_as_an_hmac_secret(tokens: Tokens, key_file: Path) -> None:
    private = serialization.load_pem_private_key(key_file.read_bytes(), None)
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    token = jwt.encode(_claims(), raw, "HS256", headers=_head(key_file))
    refused(tokens, f"Bearer {token}")


@pytest.mark.parametrize("kind", ["JWT", "caller+jwt", "AT+JWT", "", None, 7])
def test_another_type(tokens: Tokens, key_file: Path, kind: Any) -> None:
    """PyJWT leaves `typ` out when it is None."""
    headers = {"kid": _kid(key_file), "typ": kind}
    refused(tokens, "Bearer " + jwt.encode(_claims(), key_file.read_bytes(), "EdDSA", headers=headers))


def test_a_statement_for_a_service_is_no_access_token(tokens: Tokens, key_file: Path) -> None:
    caller = Caller(str(ADA.id), ("*",), ids.DEFAULT_COMPANY_ID)
    for service in ("crm_sales", "liaison"):
        refused(tokens, "Bearer " + caller.signed(Signer(str(key_file)), service))


def test_somebody_elses_keys(tokens: Tokens, key_file: Path) -> None:
    other = Ed25519PrivateKey.generate()
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(other.public_key(), as_dict=True)
    for extra in ({}, {"jwk": jwk}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/cert"}):
        refused(tokens, "Bearer " + jwt.encode(_claims(), other, "EdDSA", headers={**_head(key_file), **extra}))
    weak = rsa.generate_private_key(65537, 2048)
    refused(tokens, "Bearer " + jwt.encode(_claims(), weak, "RS256", headers=_head(key_file)))


def test_a_changed_letter(tokens: Tokens) -> None:
    token = tokens.issue(ADA, SESSION)
    for at in (5, len(token) // 2, len(token) - 10):
        letter = "A" if token[at] != "A" else "B"
        refused(tokens, f"Bearer {token[:at]}{letter}{token[at + 1 :]}")


def test_the_key_file_is_private(tmp_path: Path) -> None:
    path = ensure_signing_key(tmp_path / "key.pem")
    path.chmod(0o644)
    with pytest.raises(SystemExit, match="read by others"):
        Signer(str(path))


def test_another_kind_of_key(tmp_path: Path) -> None:
    path = tmp_path / f"{uuid4()}.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(SystemExit, match="not an Ed25519 key"):
        Signer(str(path))
