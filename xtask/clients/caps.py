"""Sets and reads caps over GraphQL with Python's `gql`, against a running demo, as an administrator would.

Usage: caps.py DETAILS.json, the file that `bursar demo --details-file` writes.
"""

import json
import pathlib
import sys

import gql
import requests
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

DETAILS = json.load(open(sys.argv[1], encoding="utf-8"))
DOCUMENT = pathlib.Path(__file__).with_name("caps.graphql").read_text(encoding="utf-8")
REST, GRAPHQL = DETAILS["address"] + "/api/v2", DETAILS["address"] + "/api/graphql"
OWNER, MEMBER = ({"Authorization": "Bearer " + DETAILS[key]} for key in ("owner_token", "member_token"))
FLAG = "/feature-flags/budget_caps_graphql_api"
PATH = "python-gql"
REFUSED = (
    "The resource that you are attempting to access does not exist or you don't have permission "
    "to perform this action"
)


def rest(method, path, body=None):
    answer = requests.request(method, REST + path, headers=OWNER, json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def client(caller):
    # The schema is asked for, and every document checked against it.
    transport = RequestsHTTPTransport(url=GRAPHQL, headers=caller, timeout=30)
    return gql.Client(transport=transport, fetch_schema_from_transport=True)


def ask(caller, operation, **variables):
    request = gql.GraphQLRequest(DOCUMENT, variable_values=variables, operation_name=operation)
    return client(caller).execute(request)


def refusal(caller, operation, **variables):
    """What the one error says that the call must end with."""
    try:
        ask(caller, operation, **variables)
    except TransportQueryError as error:
        assert len(error.errors) == 1, error.errors
        return error.errors[0]["message"]
    raise AssertionError(f"{operation} was not refused")


def set_flat_cap(path, cap, caller=OWNER):
    return ask(caller, "SetFlatCap", path=path, cap=cap, enabled=True)["upsertFlatUserCap"]


def caps():
    return ask(OWNER, "ReadCaps", path=PATH)["subscriptionUsage"]["budgetCaps"]


def flag_is_enabled():
    rest("PUT", FLAG, {"enabled": True})
    assert rest("GET", FLAG)["enabled"]


def override_needs_a_flat_cap():
    row = {"userId": USER, "cap": 250, "enabled": True}
    answer = ask(OWNER, "SetOverrides", path=PATH, overrides=[row])["upsertUserBudgetCapOverrides"]
    assert answer == {"userOverrides": None, "errors": ["Subscription budget cap not found"]}, answer


def owner_sets_the_flat_cap_of_an_organization():
    expected = {"flatUserCap": 100.5, "flatUserCapEnabled": True, "errors": [], "clientMutationId": "check"}
    answer = set_flat_cap(PATH, 100.5)
    assert answer == expected, answer
    assert caps()["flatUserCap"] == 100.5, caps()


def admin_sets_the_flat_cap_of_the_instance():
    message = refusal(OWNER, "SetFlatCap", path=None, cap=1000, enabled=True)
    assert message == REFUSED, message
    rest("POST", "/users/me/admin-mode", {"password": DETAILS["password"]})
    answer = set_flat_cap(None, 1000)
    assert answer["flatUserCap"] == 1000 and answer["errors"] == [], answer
    rest("DELETE", "/users/me/admin-mode")


def negative_cap_is_refused():
    message = refusal(OWNER, "SetFlatCap", path=PATH, cap=-1, enabled=True)
    assert "flatUserCap must be greater than or equal to 0" in message, message
    assert caps()["flatUserCap"] == 100.5, caps()


def whoever_is_no_owner_is_refused():
    for path in (PATH, "no-such-organization", None):
        message = refusal(MEMBER, "SetFlatCap", path=path, cap=1, enabled=True)
        assert message == REFUSED, (path, message)


def flag_that_is_off_is_told():
    rest("PUT", FLAG, {"enabled": False, "organization_id": ORGANIZATION})
    message = refusal(OWNER, "SetFlatCap", path=PATH, cap=1, enabled=True)
    assert message == "budget_caps_graphql_api feature flag is disabled", message
    assert caps() is None, caps()
    rest("DELETE", f"{FLAG}?organization_id={ORGANIZATION}")
    assert caps()["flatUserCap"] == 100.5, caps()


def override_is_set_after_the_flat_cap():
    row = {"userId": USER, "cap": 250, "enabled": True}
    answer = ask(OWNER, "SetOverrides", path=PATH, overrides=[row])["upsertUserBudgetCapOverrides"]
    assert answer["errors"] == [], answer
    (made,) = answer["userOverrides"]
    assert (made["user"]["id"], made["cap"], made["capEnabled"]) == (USER, 250, True), made
    (read,) = caps()["userOverrides"]["nodes"]
    assert (read["user"]["username"], read["cap"]) == (made["user"]["username"], 250), read


ORGANIZATION = rest("POST", "/organizations", {"name": PATH})["id"]
ME = rest("GET", "/users/me")["id"]
USER = f"gid://bursar/User/{ME}"

CHECKS = [
    flag_is_enabled,
    override_needs_a_flat_cap,
    owner_sets_the_flat_cap_of_an_organization,
    admin_sets_the_flat_cap_of_the_instance,
    negative_cap_is_refused,
    whoever_is_no_owner_is_refused,
    flag_that_is_off_is_told,
    override_is_set_after_the_flat_cap,
]

for check in CHECKS:
    check()
    print(f"ok  gql: {check.__name__}", flush=True)
