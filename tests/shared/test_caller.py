"""Statements of who calls, and how services tell forged ones. Each is refused with the same answer."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local.keys import ensure_signing_key, write_public_key
from shared.api.caller import Caller, Callers, NotAllowed, permit
from shared.kernel.context import ANONYMOUS, Context
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.refusals import Unauthenticated
from shared.kernel.signing import ACCESS, CALLER, Keys, Signer, key_set
from shared.ops.operator import main as operator
from shared.schema.contract import PUBLIC, SIGNED_IN, Operation

ADA = Caller(
    "ada", ("sales.orders:read@team", "contacts.*:read"), DEFAULT_COMPANY_ID, (DEFAULT_COMPANY_ID,), (uuid4(),)
)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_signing_key(tmp_path_factory.mktemp("key") / "signing-key.pem")


@pytest.fixture(scope="module")
def signer(key_file: Path) -> Signer:
    return Signer(str(key_file))


@pytest.fixture(scope="module")
def callers(key_file: Path) -> Callers:
    return Callers("crm_sales", Keys(str(write_public_key(key_file))))


def introduced(callers: Callers, statement: Any) -> Context:
    context = Context(actor=ANONYMOUS)
    callers.introduce(context, statement)
    return context


def refused(callers: Callers, statement: Any) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        introduced(callers, statement)
    assert refusal.value.to_wire("en") == Unauthenticated().to_wire("en")


def test_a_statement_says_everything(callers: Callers, signer: Signer) -> None:
    context = introduced(callers, ADA.signed(signer, "crm_sales"))
    assert (context.actor, context.permissions) == (ADA.actor, ADA.permissions)
    assert (context.company_id, context.companies, context.team) == (ADA.company_id, ADA.companies, ADA.team)
    assert context.reach("sales.orders:read") == "team" and context.reach("contacts.contacts:read") == "all"
    assert context.reach("sales.orders:write") is None and not context.may("sales.orders:write")
    assert context.api_key is None


def test_it_names_the_key_with_which_a_program_acts(callers: Callers, signer: Signer) -> None:
    key = uuid4()
    context = introduced(callers, replace(ADA, api_key=key).signed(signer, "crm_sales"))
    assert (context.actor, context.api_key) == (ADA.actor, key)
    own = Callers("crm_sales", Keys(own=signer.public))
    claims = {"sub": "ada", "permissions": [], "company_id": str(DEFAULT_COMPANY_ID), "companies": None, "team": []}
    forged = signer.sign(CALLER, "crm_sales", {**claims, "iat": time.time(), "exp": time.time() + 60, "api_key": "x"})
    refused(own, forged)


@pytest.mark.parametrize("statement", [None, "", "x", 5, {"a": 1}, ["x"], "a.b.c", "a" * 100_000, b"bytes"], ids=repr)
def test_no_statement(callers: Callers, statement: Any) -> None:
    refused(callers, statement)


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "sub": "ada", "permissions": ["*"], "company_id": str(DEFAULT_COMPANY_ID), "companies": None, "team": [],
        "iat": now, "exp": now + 90,
    }  # fmt: skip
    return claims | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"aud": "erp_finance"},
        {"aud": ["crm_sales", "erp_finance"]},
        {"aud": "liaison"},
        {"iss": "evil"},
        {"permissions": "*"},
        {"permissions": [7]},
        {"permissions": None},
        {"company_id": "mine"},
        {"company_id": None},
        {"companies": "all"},
        {"companies": ["x"]},
        {"companies": [5]},
        {"team": None},
        {"team": ["x"]},
        {"sub": 7},
    ],
    ids=str,
)
def test_our_own_signature_on_wrong_claims(callers: Callers, signer: Signer, changes: dict[str, Any]) -> None:
    refused(callers, signer.sign(CALLER, "crm_sales", _claims(**changes)))


@pytest.mark.parametrize("missing", ["sub", "exp", "iat", "permissions", "company_id", "companies", "team"])
def test_a_claim_is_missing(callers: Callers, signer: Signer, missing: str) -> None:
    claims = _claims()
    del claims[missing]
    refused(callers, signer.sign(CALLER, "crm_sales", claims))


@pytest.mark.parametrize("kind", [ACCESS, "JWT", "", "CALLER+JWT"])
def test_an_access_token_is_no_statement(callers: Callers, signer: Signer, kind: str) -> None:
    refused(callers, signer.sign(kind, "crm_sales", _claims()))


def test_somebody_elses_key(callers: Callers, signer: Signer) -> None:
    other = Ed25519PrivateKey.generate()
    claims = {"iss": "liaison", "aud": "crm_sales", **_claims()}
    for kid in (signer.key_id, "unknown", "../../dev/null", None):
        headers = {"typ": CALLER} | ({"kid": kid} if kid else {})
        refused(callers, jwt.encode(claims, other, "EdDSA", headers=headers))
        refused(callers, jwt.encode(claims, "secret" * 10, "HS256", headers=headers))
        refused(callers, jwt.encode(claims, None, "none", headers=headers))


def test_a_known_statement_expires_too(callers: Callers, signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    statement = ADA.signed(signer, "crm_sales")
    introduced(callers, statement)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 121)
    refused(callers, statement)


def test_a_key_may_be_replaced_while_services_run(tmp_path: Path) -> None:
    """The old key stays valid beside the new one until it is taken out of the file."""
    first, second = (Signer(str(ensure_signing_key(tmp_path / f"{n}" / "key.pem"))) for n in _folders(tmp_path, 2))
    file = tmp_path / "keys.json"
    file.write_text(key_set(first.public))
    callers = Callers("crm_sales", Keys(str(file)))
    refused(callers, ADA.signed(second, "crm_sales"))
    file.write_text(key_set(second.public, first.public))
    os.utime(file, (1, 1))  # whatever the resolution of the file system's clock
    for signer in (first, second):
        introduced(callers, ADA.signed(signer, "crm_sales"))


def _folders(root: Path, count: int) -> list[int]:
    for number in range(count):
        (root / f"{number}").mkdir()
    return list(range(count))


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "RSA", "n": "x"}]}', "[]"])
def test_a_service_does_not_start_without_keys(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="public key"):
        Keys(str(file))


def test_replacing_the_signing_key_keeps_the_one_before(tmp_path: Path) -> None:
    private = ensure_signing_key(tmp_path / "signing-key.pem")
    old = Signer(str(private))
    write_public_key(private)
    private.unlink()
    new = Signer(str(ensure_signing_key(private)))
    callers = Callers("toy", Keys(str(write_public_key(private))))
    for signer in (old, new):
        assert introduced(callers, ADA.signed(signer, "toy")).actor == ADA.actor


def test_the_operator_issues_one(
    callers: Callers, key_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIAISON_SIGNING_KEY_FILE", str(key_file))
    company = "01900000-0000-7000-8000-00000000abcd"
    asked = ["token", "--actor", "import", "--service", "crm_sales", "--permission", "sales.orders:read"]
    operator([*asked, "--minutes", "5", "--company", company])
    context = introduced(callers, capsys.readouterr().out.strip())
    assert (context.actor, context.permissions) == ("import", ("sales.orders:read",))
    assert context.companies == (UUID(company),) and context.company_id == UUID(company)


@pytest.mark.parametrize(
    ("permission", "actor", "held", "refusal"),
    [
        (PUBLIC, ANONYMOUS, (), None),
        (SIGNED_IN, ANONYMOUS, (), Unauthenticated),
        (SIGNED_IN, "ada", (), None),
        ("toy.things:read", ANONYMOUS, ("*",), Unauthenticated),
        ("toy.things:read", "ada", (), NotAllowed),
        ("toy.things:read", "ada", ("toy.things:write",), NotAllowed),
        ("toy.things:read", "ada", ("toy.things:read@nonsense",), NotAllowed),
        ("toy.things:read", "ada", ("toy.*:read@own",), None),
        ("toy.things:read", "ada", ("*",), None),
        ("", "ada", ("*",), NotAllowed),
        ("", ANONYMOUS, ("*",), Unauthenticated),
    ],
)
def test_a_service_checks_again(permission: str, actor: str, held: tuple[str, ...], refusal: Any) -> None:
    operation = Operation("GET /v1/things", "", permission)
    context = Context(actor=actor, permissions=held)
    if refusal is None:
        permit(operation, context)
        return
    with pytest.raises(refusal):
        permit(operation, context)
