//! GraphQL over HTTP: caps and usage of subscriptions, by the test cases of the reference, where caps live in the
//! database. Those of an upstream system are in `caps_portal`. All of them, and where each is shown or why it is not, are
//! listed in `reference_caps`.

mod admitted;
mod flat;
mod limits;
mod mine;
mod overrides;
mod periods;
mod queries;
mod rights;
mod users;

use bursar_sdk::Client;
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::support::{Answer, ask, request};

/// The one refusal.
pub(crate) const GENERIC: &str = "The resource that you are attempting to access does not exist or you don't have \
                                  permission to perform this action";

/// What the cast signs in with.
const PASSWORD: &str = "correct-horse-battery";

pub(crate) const FLAT: &str = "mutation($in: UpsertFlatUserCapInput!) {
    upsertFlatUserCap(input: $in) { flatUserCap flatUserCapEnabled errors errorDetails { code } clientMutationId } }";
pub(crate) const OVERRIDES: &str = "mutation($in: UpsertUserBudgetCapOverridesInput!) {
    upsertUserBudgetCapOverrides(input: $in) {
        userOverrides { user { id username } userId cap capEnabled disabledMode createdAt updatedAt }
        errors errorDetails { code message index userId } } }";
pub(crate) const DELETE: &str = "mutation($in: DeleteUserBudgetCapOverridesInput!) {
    deleteUserBudgetCapOverrides(input: $in) { deletedUserIds errors } }";
pub(crate) const SUBSCRIPTION: &str = "mutation($in: UpsertSubscriptionCapInput!) {
    upsertSubscriptionCap(input: $in) { subscriptionCap subscriptionCapEnabled included errors } }";
pub(crate) const CAPS: &str =
    "query($path: ID) { subscriptionUsage(namespacePath: $path) { enabled budgetCaps {
    subscriptionCap subscriptionCapEnabled flatUserCap flatUserCapEnabled included
    userOverrides { nodes { userId } pageInfo { hasNextPage hasPreviousPage } count } } } }";

/// Sends a body to the endpoint, as somebody or as nobody.
pub(crate) async fn post(world: &World, caller: Option<&Client>, body: &Value) -> Answer {
    let mut request = request(world, "POST", "/api/graphql").json(body);
    if let Some(token) = caller.and_then(Client::token) {
        request = request.bearer_auth(token.expose());
    }
    answered(request).await
}

async fn answered(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}

/// Asks, and answers what a 200 says.
pub(crate) async fn gql(world: &World, caller: &Client, query: &str, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables});
    let answer = post(world, Some(caller), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// Changes something, `input` being the only variable; in the cast's organization unless it says otherwise.
pub(crate) async fn change(world: &World, caller: &Client, query: &str, mut input: Value) -> Value {
    let fields = input.as_object_mut().unwrap();
    fields.entry("namespacePath").or_insert(json!("acme"));
    gql(world, caller, query, json!({"in": input})).await
}

/// The data of an answer without errors.
#[track_caller]
pub(crate) fn data<'a>(answer: &'a Value, field: &str) -> &'a Value {
    assert!(answer.get("errors").is_none(), "{answer}");
    &answer["data"][field]
}

/// The words of the first error.
#[track_caller]
pub(crate) fn error(answer: &Value) -> &str {
    let message = answer["errors"][0]["message"].as_str();
    message.unwrap_or_else(|| panic!("{answer}"))
}

/// What programs tell the first error by.
#[track_caller]
pub(crate) fn code(answer: &Value) -> &str {
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    code.unwrap_or_else(|| panic!("{answer}"))
}

pub(crate) fn gid(user: Uuid) -> String {
    format!("gid://bursar/User/{user}")
}

pub(crate) fn row(user: Uuid, cap: f64, enabled: bool) -> Value {
    json!({"userId": gid(user), "cap": cap, "enabled": enabled})
}

/// Puts the owner's session into admin mode.
pub(crate) async fn admin_mode(world: &World) {
    let owner = &world.cast.owner;
    let body = json!({"password": PASSWORD});
    let answer = ask(world, owner, "POST", "/users/me/admin-mode", &body).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text);
}

/// Switches the feature in an organization, or the whole deployment.
pub(crate) async fn switch(world: &World, organization: Option<Uuid>, enabled: bool) {
    let path = "/feature-flags/budget_caps_graphql_api";
    let mut body = json!({"enabled": enabled});
    if let Some(organization) = organization {
        body["organization_id"] = json!(organization);
    }
    let answer = ask(world, &world.cast.owner, "PUT", path, &body).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text);
}

/// Sets a flat cap for the cast's organization.
async fn flat(world: &World, cap: f64, enabled: bool) {
    let input = json!({"flatUserCap": cap, "flatUserCapEnabled": enabled});
    let answer = change(world, &world.cast.owner, FLAT, input).await;
    data(&answer, "upsertFlatUserCap");
}
