"""Signs people in to a real `bursar server` at a real identity provider, through its login and consent forms.

Usage: check.py BURSAR FOLDER, the program and a folder with provider.mjs and its modules.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from browser import Browser, Form

BURSAR, NODE_FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
SECRET = "a secret: with % and & in it"
PASSWORD = "correct-horse-battery"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


PROVIDER_PORT, SERVER_PORT = free_port(), free_port()
ISSUER, SERVER = f"http://127.0.0.1:{PROVIDER_PORT}", f"http://127.0.0.1:{SERVER_PORT}"
HOST = f"127.0.0.1:{SERVER_PORT}"
CALLBACK = SERVER + "/api/v2/users/oidc/callback"
TEMPORARY = tempfile.TemporaryDirectory(prefix="bursar-oidc-")
FOLDER = pathlib.Path(TEMPORARY.name)
# Started as root, the server's PostgreSQL runs as somebody else, who must pass through.
FOLDER.chmod(0o711)
PLAY = FOLDER / "play.json"
# What the checks leave for each other: processes, ids and the owner's token.
WORLD = {}
PEOPLE = {
    "ada-1": {
        "name": "Ada Lovelace",
        "preferred_username": "ada",
        "email": "ada@example.com",
        "email_verified": True,
        "groups": ["makers", "acme-admins"],
    },
    "eve-1": {"preferred_username": "eve", "email": "owner@example.com", "email_verified": False},
}


def play(spoil=None):
    PLAY.write_text(json.dumps({"people": PEOPLE, "spoil": spoil}))


def call(method, path, token=None, body=None):
    """Calls the API, and gives the answer's JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SERVER}/api/v2{path}", data, method=method)
    request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error
    return json.loads(text) if text else None


def wait(what, ready, process, seconds=60):
    end = time.monotonic() + seconds
    while not ready():
        assert process.poll() is None, f"{what} has ended"
        assert time.monotonic() < end, f"{what} is not ready in time"
        time.sleep(0.05)


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def start_provider():
    command = ["node", str(NODE_FOLDER / "provider.mjs"), str(PROVIDER_PORT), CALLBACK, str(PLAY)]
    log = open(FOLDER / "provider.log", "ab")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
    process.stdin.write(SECRET.encode())
    process.stdin.close()
    WORLD["provider"] = process
    wait("the provider", lambda: answers(ISSUER + "/.well-known/openid-configuration"), process)


def start_server():
    secret = FOLDER / "secret"
    secret.touch(0o600)
    secret.write_text(SECRET + "\n")
    command = [BURSAR, "server", "--http-address", HOST, "--access-url", SERVER]
    command += ["--data-dir", str(FOLDER / "data"), "--oidc-issuer-url", ISSUER]
    command += ["--oidc-client-id", "bursar", "--oidc-client-secret-file", str(secret)]
    command += ["--oidc-scopes", "openid,profile,email,groups", "--log", "info"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BURSAR_")}
    log = open(FOLDER / "server.log", "ab")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    WORLD["server"] = process
    wait("the server", lambda: answers(SERVER + "/readyz"), process)


def stop(process):
    if process.poll() is None:
        process.terminate()
        process.wait(timeout=60)


def leave(browser, person, redirect="/", way="login"):
    """Goes to the provider, logs in and agrees there, and gives the address that leads back."""
    page = browser.go(f"{SERVER}/api/v2/users/oidc/{way}?redirect={redirect}")
    page = browser.follow(page, CALLBACK)
    if way == "admin-mode":
        # Also of whoever is signed in there.
        assert page.status == 200 and "login" in Form(page.text).fields, (page, page.text)
    while not isinstance(page, str):
        assert page.status == 200, (page.status, page.text)
        form = Form(page.text)
        fields = form.fields | {"login": person, "password": "any"} if "login" in form.fields else form.fields
        page = browser.follow(browser.go(form.action, fields), CALLBACK)
    return page


def signed_in(person="ada-1"):
    """The token and the account of somebody who signs in with a new browser."""
    browser = Browser()
    page = browser.go(leave(browser, person, "/chats"))
    assert (page.status, page.location) == (303, SERVER + "/chats"), (page.status, page.text)
    token = browser.session(HOST)
    return token, call("GET", "/users/me", token)


def refused(page, status, kind):
    body = json.loads(page.text)
    assert (page.status, body["detail"]) == (status, kind), (page.status, page.text)
    assert not page.cookies, page.cookies


def refused_at_sign_in(status, kind, person="ada-1"):
    browser = Browser()
    refused(browser.go(leave(browser, person)), status, kind)


def the_server_starts_without_its_provider():
    page = Browser().go(f"{SERVER}/api/v2/users/oidc/login")
    refused(page, 503, "provider_unreachable")
    start_provider()
    # A failure is remembered for a moment, which may outlast the provider's start.
    known = lambda: Browser().go(f"{SERVER}/api/v2/users/oidc/login").status != 503
    wait("the provider, to the server,", known, WORLD["server"])
    methods = call("GET", "/users/authmethods")
    assert methods["oidc"]["enabled"], methods
    first = {"email": "owner@example.com", "username": "owner", "password": PASSWORD}
    WORLD["organization"] = call("POST", "/users/first", body=first)["organization_id"]
    login = {"email": first["email"], "password": PASSWORD}
    WORLD["owner"] = call("POST", "/users/login", body=login)["session_token"]


def a_person_gets_an_account():
    _, ada = signed_in()
    assert (ada["username"], ada["email"], ada["name"]) == ("ada", "ada@example.com", "Ada Lovelace"), ada
    assert (ada["login_type"], ada["organization_ids"]) == ("oidc", [WORLD["organization"]]), ada
    WORLD["ada"] = ada["id"]


def the_second_sign_in_is_the_same_account():
    assert signed_in()[1]["id"] == WORLD["ada"]


def admin_mode_takes_a_new_sign_in_of_the_same_person():
    browser = Browser()
    browser.go(leave(browser, "ada-1"))
    token = browser.session(HOST)
    active = lambda: call("GET", "/users/me/admin-mode", token)["active"]
    assert not active()
    refused(browser.go(leave(browser, "eve-1", way="admin-mode")), 403, "another_person")
    assert not active()
    page = browser.go(leave(browser, "ada-1", "/caps", "admin-mode"))
    assert (page.status, page.location) == (303, SERVER + "/caps"), (page.status, page.text)
    assert active() and browser.session(HOST) == token
    assert not call("GET", "/users/me/admin-mode", signed_in()[0])["active"]


def an_address_that_is_not_verified_takes_nobodys_account():
    refused_at_sign_in(403, "email_unverified", "eve-1")


def whoever_cancels_is_not_signed_in():
    browser = Browser()
    page = browser.follow(browser.go(f"{SERVER}/api/v2/users/oidc/login"), CALLBACK)
    abort = next(link for link in Form(page.text).links if link.endswith("/abort"))
    refused(browser.go(browser.follow(browser.go(abort), CALLBACK)), 403, "access_denied")


def an_answer_counts_once_and_for_one_browser():
    ada, eve = Browser(), Browser()
    answer = leave(ada, "ada-1")
    refused(eve.go(answer), 400, "sign_in_unknown")
    cookies = dict(ada.cookies)
    assert ada.go(answer).status == 303
    ada.cookies = cookies
    refused(ada.go(answer), 400, "sign_in_unknown")


def membership():
    """The groups and roles of Ada in her organization."""
    org, owner = WORLD["organization"], WORLD["owner"]
    groups = call("GET", f"/organizations/{org}/groups", owner)
    mine = {g["name"] for g in groups if any(m["id"] == WORLD["ada"] for m in g["members"])}
    members = call("GET", f"/organizations/{org}/members", owner)
    ada = next(m for m in members if m["user_id"] == WORLD["ada"])
    return mine - {"Everyone"}, {role["name"] for role in ada["roles"]}


def claims_become_groups_and_roles_and_cease_to_be():
    org, owner = WORLD["organization"], WORLD["owner"]
    settings = f"/organizations/{org}/settings/idpsync"
    groups = {"field": "groups", "regex_filter": "^makers$", "auto_create_missing_groups": True}
    call("PATCH", f"{settings}/groups", owner, groups)
    roles = {"field": "groups", "mapping": {"acme-admins": ["organization-admin"]}}
    call("PATCH", f"{settings}/roles", owner, roles)
    signed_in()
    assert membership() == ({"makers"}, {"organization-admin"}), membership()
    PEOPLE["ada-1"]["groups"] = ["others"]
    play()
    signed_in()
    assert membership() == (set(), set()), membership()


def claims_become_organizations_and_cease_to_be():
    owner = WORLD["owner"]
    lab = call("POST", "/organizations", owner, {"name": "lab", "display_name": "Lab"})["id"]
    mapping = {"field": "groups", "mapping": {"lab-people": [lab]}}
    call("PATCH", "/settings/idpsync/organization", owner, mapping)
    PEOPLE["ada-1"]["groups"] = ["lab-people"]
    play()
    _, ada = signed_in()
    assert set(ada["organization_ids"]) == {WORLD["organization"], lab}, ada
    PEOPLE["ada-1"]["groups"] = []
    play()
    _, ada = signed_in()
    assert ada["organization_ids"] == [WORLD["organization"]], ada


def a_token_for_another_client_or_an_expired_one_is_not_believed():
    for spoil in ["audience", "expired"]:
        play(spoil)
        refused_at_sign_in(401, "token_invalid")
    play()
    signed_in()


def the_provider_may_change_its_keys():
    stop(WORLD["provider"])
    start_provider()
    assert signed_in()[1]["id"] == WORLD["ada"]


def whoever_is_suspended_stays_out():
    call("PUT", f"/users/{WORLD['ada']}/status/suspend", WORLD["owner"])
    refused_at_sign_in(401, "account_suspended")


def nothing_secret_is_in_the_log():
    log = (FOLDER / "server.log").read_text()
    assert "signed in at the identity provider" in log and "token_invalid" in log, log[-2000:]
    for secret in [SECRET, "code=", "state=", "eyJ"]:
        assert secret not in log, secret


CHECKS = [
    the_server_starts_without_its_provider,
    a_person_gets_an_account,
    the_second_sign_in_is_the_same_account,
    admin_mode_takes_a_new_sign_in_of_the_same_person,
    an_address_that_is_not_verified_takes_nobodys_account,
    whoever_cancels_is_not_signed_in,
    an_answer_counts_once_and_for_one_browser,
    claims_become_groups_and_roles_and_cease_to_be,
    claims_become_organizations_and_cease_to_be,
    a_token_for_another_client_or_an_expired_one_is_not_believed,
    the_provider_may_change_its_keys,
    whoever_is_suspended_stays_out,
    nothing_secret_is_in_the_log,
]

play()
try:
    start_server()
    for check in CHECKS:
        check()
        print(f"ok  {check.__name__}", flush=True)
except BaseException:
    for log in FOLDER.glob("*.log"):
        print(f"--- {log.name}\n{log.read_text()[-4000:]}", file=sys.stderr)
    raise
finally:
    for name in ["provider", "server"]:
        if name in WORLD:
            stop(WORLD[name])
assert WORLD["server"].returncode == 0, "the server did not stop cleanly"
