"""Authlib on Flask, all rows in dictionaries: `gunicorn bank:app`.

Its environment: BENCH_CLIENT, BENCH_SECRET, BENCH_CALLBACK. The pages are as small as can be, and
no password is checked.
"""

import os
import secrets
import time
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Flask, jsonify, redirect, render_template_string, request, session

ACCESS_TOKEN_SECONDS, CODE_SECONDS = 300, 60
FORM = """<!doctype html><meta charset="utf-8"><title>Bank</title>
<form method="post"><input type="hidden" name="csrf" value="{{ csrf }}">{{ what }}
<button>Continue</button></form>"""


@dataclass(frozen=True)
class Client:
    client_id: str
    secret: str
    callback: str
    scope: frozenset[str] = frozenset({"accounts", "directory"})

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.callback

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(name for name in (scope or "").split() if name in self.scope)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.callback

    def check_client_secret(self, client_secret: str) -> bool:
        return compare_digest(client_secret, self.secret)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token", "client_credentials")


@dataclass(frozen=True)
class Code:
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    code_challenge: str
    code_challenge_method: str
    until: float = field(default_factory=lambda: time.time() + CODE_SECONDS)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass
class Token:
    client_id: str
    user: str | None
    access_token: str
    scope: str
    expires_in: int
    token_type: str
    refresh_token: str = ""
    issued_at: float = field(default_factory=time.time)
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return self.expires_in

    def get_user(self) -> str | None:
        return self.user

    def get_client(self) -> Client:
        return CLIENTS[self.client_id]

    def is_expired(self) -> bool:
        return self.issued_at + self.expires_in < time.time()

    def is_revoked(self) -> bool:
        return self.revoked


CLIENTS = {
    os.environ["BENCH_CLIENT"]: Client(
        os.environ["BENCH_CLIENT"], os.environ["BENCH_SECRET"], os.environ["BENCH_CALLBACK"]
    )
}
CODES: dict[str, Code] = {}
TOKENS: dict[str, Token] = {}
REFRESH: dict[str, Token] = {}


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def save_authorization_code(self, code: str, asked: Any) -> None:
        CODES[code] = Code(
            code,
            asked.client.client_id,
            asked.payload.redirect_uri,
            asked.payload.scope,
            asked.user,
            asked.payload.data.get("code_challenge"),
            asked.payload.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = CODES.get(code)
        good = found and found.client_id == client.client_id and found.until > time.time()
        return found if good else None

    def delete_authorization_code(self, code: Code) -> None:
        CODES.pop(code.code, None)

    def authenticate_user(self, code: Code) -> str:
        return code.user


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        return REFRESH.get(refresh_token)

    def authenticate_user(self, token: Token) -> str | None:
        return token.user

    def revoke_old_credential(self, token: Token) -> None:
        token.revoked = True
        REFRESH.pop(token.refresh_token, None)


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = ["client_secret_basic"]

    def query_token(self, text: str, _hint: str | None) -> Token | None:
        return TOKENS.get(text) or REFRESH.get(text)

    def check_permission(self, token: Token, client: Client, _request: Any) -> bool:
        return token.check_client(client)

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return {
            "active": not token.revoked,
            "client_id": token.client_id,
            "token_type": token.token_type,
            "sub": token.user,
            "scope": token.scope,
            "exp": int(token.issued_at) + token.expires_in,
            "iat": int(token.issued_at),
        }


class Bearer(BearerTokenValidator):
    def authenticate_token(self, text: str) -> Token | None:
        return TOKENS.get(text)


def keep(token: dict[str, Any], asked: Any) -> None:
    made = Token(client_id=asked.client.client_id, user=asked.user, **token)
    TOKENS[made.access_token] = made
    if made.refresh_token:
        REFRESH[made.refresh_token] = made


app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
app.config["OAUTH2_TOKEN_EXPIRES_IN"] = dict.fromkeys(
    ("authorization_code", "refresh_token", "client_credentials"), ACCESS_TOKEN_SECONDS
)
server = AuthorizationServer(app, CLIENTS.get, keep)
server.register_grant(CodeGrant, [CodeChallenge(required=True)])
server.register_grant(RefreshGrant)
server.register_grant(grants.ClientCredentialsGrant)
server.register_endpoint(Introspection)
guard = ResourceProtector()
guard.register_token_validator(Bearer())


def page(what: str) -> str:
    session.setdefault("csrf", secrets.token_urlsafe(16))
    return render_template_string(FORM, csrf=session["csrf"], what=what)


def forged() -> bool:
    return not compare_digest(request.form.get("csrf", ""), session.get("csrf", "-"))


@app.get("/authorize")
def authorize() -> Any:
    if "person" not in session:
        session["asked"] = request.full_path
        return redirect("/sign-in", 303)
    grant = server.get_consent_grant(end_user=session["person"])
    return page(f"Budgetly asks for: {grant.request.payload.scope}")


@app.post("/authorize")
def consent() -> Any:
    if forged():
        return "forged", 403
    grant = server.get_consent_grant(end_user=session["person"])
    return server.create_authorization_response(grant_user=session["person"], grant=grant)


@app.get("/sign-in")
def ask_name() -> str:
    return page("Name and password")


@app.post("/sign-in")
def sign_in() -> Any:
    if forged():
        return "forged", 403
    session["person"] = request.form["name"]
    return redirect(session.pop("asked"), 303)


@app.post("/token")
def token() -> Any:
    return server.create_token_response()


@app.post("/introspect")
def introspect() -> Any:
    return server.create_endpoint_response(Introspection.ENDPOINT_NAME)


@app.get("/v1/accounts")
@guard("accounts")
def accounts() -> Any:
    return jsonify(accounts=[])
