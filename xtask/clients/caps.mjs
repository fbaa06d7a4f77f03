// Sets and reads caps over GraphQL with `graphql-request`, against a running demo, as an administrator would.
//
// Usage: node caps.mjs DETAILS.json, the file that `bursar demo --details-file` writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ClientError, GraphQLClient } from "graphql-request";
import { parse, separateOperations } from "graphql";

const details = JSON.parse(readFileSync(process.argv[2], "utf8"));
const documents = separateOperations(parse(readFileSync(new URL("caps.graphql", import.meta.url), "utf8")));
const bearer = (token) => ({ authorization: `Bearer ${token}` });
const [owner, member] = [bearer(details.owner_token), bearer(details.member_token)];
const flag = "/feature-flags/budget_caps_graphql_api";
const path = "graphql-request";
const refused =
  "The resource that you are attempting to access does not exist or you don't have permission to perform this action";

async function rest(method, where, body) {
  const answer = await fetch(`${details.address}/api/v2${where}`, {
    method,
    headers: { ...owner, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert(answer.ok, text);
  return text ? JSON.parse(text) : undefined;
}

function ask(caller, operation, variables) {
  const client = new GraphQLClient(`${details.address}/api/graphql`, { headers: caller });
  return client.request(documents[operation], variables);
}

// What the one error says that the call must end with.
async function refusal(caller, operation, variables) {
  const error = await ask(caller, operation, variables).then(
    () => assert.fail(`${operation} was not refused`),
    (error) => error,
  );
  assert(error instanceof ClientError, error);
  assert.equal(error.response.errors.length, 1, error.message);
  return error.response.errors[0].message;
}

async function setFlatCap(where, cap) {
  const answer = await ask(owner, "SetFlatCap", { path: where, cap, enabled: true });
  return answer.upsertFlatUserCap;
}

async function setOverride(userId) {
  const overrides = [{ userId, cap: 250, enabled: true }];
  const answer = await ask(owner, "SetOverrides", { path, overrides });
  return answer.upsertUserBudgetCapOverrides;
}

async function caps() {
  const answer = await ask(owner, "ReadCaps", { path });
  return answer.subscriptionUsage.budgetCaps;
}

const organization = (await rest("POST", "/organizations", { name: path })).id;
const me = (await rest("GET", "/users/me")).id;
const user = `gid://bursar/User/${me}`;

const checks = {
  async flagIsEnabled() {
    await rest("PUT", flag, { enabled: true });
    assert((await rest("GET", flag)).enabled);
  },
  async overrideNeedsAFlatCap() {
    const expected = { userOverrides: null, errors: ["Subscription budget cap not found"] };
    assert.deepEqual(await setOverride(user), expected);
  },
  async ownerSetsTheFlatCapOfAnOrganization() {
    const expected = { flatUserCap: 100.5, flatUserCapEnabled: true, errors: [], clientMutationId: "check" };
    assert.deepEqual(await setFlatCap(path, 100.5), expected);
    assert.equal((await caps()).flatUserCap, 100.5);
  },
  async adminSetsTheFlatCapOfTheInstance() {
    assert.equal(await refusal(owner, "SetFlatCap", { cap: 1000, enabled: true }), refused);
    await rest("POST", "/users/me/admin-mode", { password: details.password });
    const answer = await setFlatCap(undefined, 1000);
    assert.deepEqual([answer.flatUserCap, answer.errors], [1000, []]);
    await rest("DELETE", "/users/me/admin-mode");
  },
  async negativeCapIsRefused() {
    const message = await refusal(owner, "SetFlatCap", { path, cap: -1, enabled: true });
    assert.match(message, /flatUserCap must be greater than or equal to 0/);
    assert.equal((await caps()).flatUserCap, 100.5);
  },
  async whoeverIsNoOwnerIsRefused() {
    for (const where of [path, "no-such-organization", undefined]) {
      assert.equal(await refusal(member, "SetFlatCap", { path: where, cap: 1, enabled: true }), refused);
    }
  },
  async flagThatIsOffIsTold() {
    await rest("PUT", flag, { enabled: false, organization_id: organization });
    const message = await refusal(owner, "SetFlatCap", { path, cap: 1, enabled: true });
    assert.equal(message, "budget_caps_graphql_api feature flag is disabled");
    assert.equal(await caps(), null);
    await rest("DELETE", `${flag}?organization_id=${organization}`);
    assert.equal((await caps()).flatUserCap, 100.5);
  },
  async overrideIsSetAfterTheFlatCap() {
    const { userOverrides, errors } = await setOverride(user);
    assert.deepEqual(errors, []);
    const [made] = userOverrides;
    assert.deepEqual([made.user.id, made.cap, made.capEnabled], [user, 250, true]);
    const [read] = (await caps()).userOverrides.nodes;
    assert.deepEqual([read.user.username, read.cap], [made.user.username, 250]);
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(`ok  graphql-request: ${name}`);
}
