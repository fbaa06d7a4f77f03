//! Who is cut, when, and who is not.

use std::time::Duration;

use bursar_sdk::{CreateUserRequest, UpdateUserPasswordRequest};
use tokio::time::Instant;

use super::{Pair, SOON, SUSPENDED, endless, ends, suspend, token};
use crate::{
    calls::{Spoken, settled},
    support::{Person, login, member},
};

/// Longer than any look by itself takes to come: what ends before was told.
const NEVER: Duration = Duration::from_secs(3_600);
const PASSWORD: &str = "another-horse-battery";
const SIGNED_OUT: &str = "signed out";

/// Somebody of the cast's organization who signs in by password.
async fn person(pair: &Pair, name: &str) -> Person {
    let owner = &pair.world.cast.owner;
    let user = CreateUserRequest {
        email: format!("{name}@example.com"),
        username: name.to_owned(),
        name: String::new(),
        password: Some(PASSWORD.into()),
        login_type: None,
        organization_ids: vec![pair.world.cast.organization_id],
    };
    let user = owner.user_create(&user).await.unwrap();
    let email = format!("{name}@example.com");
    let nobody = pair.world.server.nobody();
    Person {
        id: user.id,
        client: login(nobody, &email, PASSWORD).await.unwrap(),
    }
}

#[tokio::test]
async fn whatever_ends_access_at_one_server_cuts_streams_at_the_other() {
    let pair = Pair::new(endless(), NEVER).await;
    let owner = &pair.world.cast.owner;
    let (colleague, other) = (person(&pair, "fay").await, person(&pair, "eve").await);
    let mut bystander = pair
        .stream(Spoken::OpenAi, colleague.client.token().unwrap())
        .await;

    let (id, key) = token(&other.client).await;
    let session = other.client.token().unwrap();
    let mut stays = pair.stream(Spoken::Anthropic, session).await;
    let streams = vec![pair.stream(Spoken::OpenAi, &key).await];
    let delete = async { owner.api_key_delete(other.id, id).await.unwrap() };
    ends("a token's end", streams, delete, SIGNED_OUT).await;
    stays.goes_on(5).await;

    let (_, key) = token(&other.client).await;
    let mut by_token = pair.stream(Spoken::OpenAi, &key).await;
    let logout = async { other.client.logout().await.map(drop).unwrap() };
    ends("signing out", vec![stays], logout, SIGNED_OUT).await;
    by_token.goes_on(5).await;

    let streams = vec![by_token, pair.stream(Spoken::Anthropic, &key).await];
    let suspend = async { owner.user_suspend(other.id).await.map(drop).unwrap() };
    ends("a suspension", streams, suspend, SUSPENDED).await;

    owner.user_activate(other.id).await.unwrap();
    let mut again = pair.stream(Spoken::OpenAi, &key).await;
    // What does not take the right to use providers away ends nothing.
    let acme = pair.world.cast.organization_id;
    owner
        .organization_member_delete(acme, other.id)
        .await
        .unwrap();
    again.goes_on(10).await;
    let delete = async { owner.user_delete(other.id).await.map(drop).unwrap() };
    ends("an account's end", vec![again], delete, SIGNED_OUT).await;

    bystander.goes_on(10).await;
    drop(bystander);
    settled(&pair.world.database).await;
}

#[tokio::test]
async fn a_password_change_and_an_expiry_end_sessions_too() {
    let pair = Pair::new(endless(), SOON).await;
    let eve = person(&pair, "eve").await;
    let session = eve.client.token().unwrap();
    let streams = vec![pair.stream(Spoken::OpenAi, session).await];
    let change = UpdateUserPasswordRequest {
        old_password: Some(PASSWORD.into()),
        password: "yet-another-horse".into(),
    };
    let nobody = pair.world.server.nobody();
    let elsewhere = login(nobody, "eve@example.com", PASSWORD).await.unwrap();
    let change = async { elsewhere.user_password_update("me", &change).await.unwrap() };
    ends("a new password", streams, change, SIGNED_OUT).await;

    let (id, key) = token(&elsewhere).await;
    let streams = vec![pair.stream(Spoken::OpenAi, &key).await];
    // Nothing is said when the time comes.
    let expire = format!(
        "UPDATE api_keys SET expires_at = bursar_now() + interval '500 ms' WHERE id = '{id}'"
    );
    ends("an expiry", streams, pair.by_hand(&expire), SIGNED_OUT).await;
}

#[tokio::test]
async fn a_change_that_was_not_heard_is_found_when_the_listener_is_back() {
    let pair = Pair::new(endless(), NEVER).await;
    silence(&pair).await;
    let eve = member(&pair.world, "eve", &[]).await;
    let mut stream = pair
        .stream(Spoken::OpenAi, eve.client.token().unwrap())
        .await;
    suspend(&pair, eve.id).await;
    stream.goes_on(10).await;
    let back = async { pair.world.database.cut_listeners().await.unwrap() };
    ends(
        "an unheard suspension, after a listener's loss",
        vec![stream],
        back,
        SUSPENDED,
    )
    .await;
}

/// Takes the notifications out of the database.
async fn silence(pair: &Pair) {
    let nothing =
        "CREATE OR REPLACE FUNCTION notify_subjects(ids uuid[]) RETURNS void LANGUAGE sql AS ''";
    pair.by_hand(nothing).await;
}

#[tokio::test]
async fn without_notifications_the_next_look_finds_it() {
    let pair = Pair::new(endless(), SOON).await;
    silence(&pair).await;
    let eve = member(&pair.world, "eve", &[]).await;
    let fay = member(&pair.world, "fay", &[]).await;
    let mut bystander = pair
        .stream(Spoken::OpenAi, fay.client.token().unwrap())
        .await;
    let streams = vec![
        pair.stream(Spoken::OpenAi, eve.client.token().unwrap())
            .await,
    ];
    let unheard = suspend(&pair, eve.id);
    ends("an unheard suspension", streams, unheard, SUSPENDED).await;
    bystander.goes_on(5).await;
}

#[tokio::test]
async fn streams_stay_open_while_the_database_is_away_and_are_judged_when_it_is_back() {
    let pair = Pair::new(endless(), SOON).await;
    let key = &pair.world.cast.member_token;
    let mut stream = pair.stream(Spoken::OpenAi, key).await;
    pair.world.database.take_away().await.unwrap();
    // Many looks fail meanwhile.
    let since = Instant::now();
    while since.elapsed() < SOON * 8 {
        stream.goes_on(1).await;
    }
    pair.world.database.bring_back().await.unwrap();
    stream.goes_on(5).await;
    let suspending = suspend(&pair, pair.world.cast.member_id);
    ends(
        "a suspension after an outage",
        vec![stream],
        suspending,
        SUSPENDED,
    )
    .await;
}
