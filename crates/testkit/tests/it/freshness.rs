//! What changes a decision counts from the very next request on, at every server.

use std::sync::atomic::{AtomicBool, Ordering};

use bursar_sdk::{Client, CreateOrganizationRequest, client::Error};
use futures_util::future::join_all;
use testkit::{ServerOptions, TestServer, World};

use crate::support::{Person, person, roles, world};

/// A world with a second server, and somebody without any right.
struct Pair {
    world: World,
    second: TestServer,
    eve: Person,
}

impl Pair {
    async fn new() -> Self {
        let world = world().await;
        let options = ServerOptions::default();
        let second = TestServer::start(&world.database, &options).await.unwrap();
        let eve = person(&world, "eve", &[]).await;
        Self { world, second, eve }
    }

    /// Eve at each server.
    fn eves(&self) -> [Client; 2] {
        [&self.world.server, &self.second].map(|server| server.as_caller(&self.eve.client))
    }

    /// Checks what Eve is answered at both servers, twice, so that the second answer is one from memory.
    async fn check<T>(
        &self,
        after: &str,
        ask: impl AsyncFn(Client) -> Result<T, Error>,
        expected: u16,
    ) {
        for _ in 0..2 {
            for eve in self.eves() {
                assert_eq!(status(&ask(eve).await), expected, "after {after}");
            }
        }
    }

    /// Runs SQL as somebody who works in the database by hand.
    async fn by_hand(&self, statement: &str) {
        let client = self.world.database.owner().await.unwrap();
        let statement = format!("SET bursar.actor_name = 'by hand'; {statement}");
        let eve = self.eve.id.to_string();
        let acme = self.world.cast.organization_id.to_string();
        let statement = statement.replace("$eve", &eve).replace("$acme", &acme);
        client.batch_execute(&statement).await.unwrap();
    }
}

fn status<T>(outcome: &Result<T, Error>) -> u16 {
    match outcome {
        Ok(_) => 200,
        Err(error) => error.api().unwrap().status.as_u16(),
    }
}

async fn sees_ada(eve: Client) -> Result<bursar_sdk::User, Error> {
    eve.user_get("ada").await
}

async fn sees_acme(eve: Client) -> Result<bursar_sdk::Organization, Error> {
    eve.organization_get("acme").await
}

#[tokio::test]
async fn roles_and_status_count_from_the_next_request_on() {
    let pair = Pair::new().await;
    let (owner, eve) = (&pair.world.cast.owner, pair.eve.id);
    pair.check("nothing", sees_ada, 404).await;
    owner
        .user_roles_update(eve, &roles(&["user-admin"]))
        .await
        .unwrap();
    pair.check("a site role", sees_ada, 200).await;
    owner.user_suspend(eve).await.unwrap();
    pair.check("a suspension", sees_ada, 401).await;
    owner.user_activate(eve).await.unwrap();
    pair.check("its end", sees_ada, 200).await;
    owner.user_roles_update(eve, &roles(&[])).await.unwrap();
    pair.check("the role's end", sees_ada, 404).await;
    pair.by_hand("UPDATE users SET roles = '{user-admin}' WHERE id = '$eve'")
        .await;
    pair.check("a role given by hand", sees_ada, 200).await;
    pair.by_hand("UPDATE users SET roles = '{}'").await;
    pair.check("all taken by hand", sees_ada, 404).await;
}

#[tokio::test]
async fn memberships_count_from_the_next_request_on() {
    let pair = Pair::new().await;
    let (owner, eve) = (&pair.world.cast.owner, pair.eve.id);
    pair.check("nothing", sees_acme, 404).await;
    owner.organization_member_create("acme", eve).await.unwrap();
    pair.check("joining", sees_acme, 200).await;
    pair.check("joining", sees_ada, 404).await;
    let admin = roles(&["organization-admin"]);
    owner
        .organization_member_roles_update("acme", eve, &admin)
        .await
        .unwrap();
    pair.check("a role", sees_ada, 200).await;
    owner
        .organization_member_roles_update("acme", eve, &roles(&[]))
        .await
        .unwrap();
    pair.check("its end", sees_ada, 404).await;
    owner.organization_member_delete("acme", eve).await.unwrap();
    pair.check("leaving", sees_acme, 404).await;
    let joined =
        "INSERT INTO organization_members (organization_id, user_id) VALUES ('$acme', '$eve')";
    pair.by_hand(joined).await;
    pair.check("joining by hand", sees_acme, 200).await;
    pair.by_hand("DELETE FROM organization_members").await;
    pair.check("everybody's leaving by hand", sees_acme, 404)
        .await;

    let beta = CreateOrganizationRequest {
        name: "beta".to_owned(),
        ..CreateOrganizationRequest::default()
    };
    let beta = owner.organization_create(&beta).await.unwrap().id;
    owner.organization_member_create(beta, eve).await.unwrap();
    let sees_beta = async |eve: Client| eve.organization_get(beta).await;
    pair.check("joining another", sees_beta, 200).await;
    owner.organization_delete(beta).await.unwrap();
    pair.check("its end", sees_beta, 404).await;
}

#[tokio::test]
async fn keys_and_accounts_end_with_the_next_request() {
    let pair = Pair::new().await;
    let (owner, eve) = (&pair.world.cast.owner, pair.eve.id);
    let sees_herself = async |eve: Client| eve.user_get("me").await;
    pair.check("nothing", sees_herself, 200).await;
    let key = owner.api_key_list(eve).await.unwrap().remove(0).id;
    owner.api_key_delete(eve, key).await.unwrap();
    pair.check("the token's end", sees_herself, 401).await;

    let other = Pair {
        eve: person(&pair.world, "fay", &[]).await,
        ..pair
    };
    other.check("nothing", sees_herself, 200).await;
    let owner = &other.world.cast.owner;
    owner.user_delete(other.eve.id).await.unwrap();
    other.check("the account's end", sees_herself, 401).await;
}

/// Requests that race with a change keep older versions in memory; none that starts after it finds them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_revocation_is_lost_among_many_requests() {
    let pair = Pair::new().await;
    let done = AtomicBool::new(false);
    let noise = async |eve: Client| {
        while !done.load(Ordering::Relaxed) {
            let outcome = eve.user_get("ada").await;
            assert!(matches!(status(&outcome), 200 | 404));
        }
    };
    let changes = async {
        let owner = &pair.world.cast.owner;
        for round in 0..20 {
            let (given, expected) = [(&["user-admin"][..], 200), (&[], 404)][round % 2];
            owner
                .user_roles_update(pair.eve.id, &roles(given))
                .await
                .unwrap();
            pair.check("a change", sees_ada, expected).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let eves = [pair.eves(), pair.eves()].concat();
    tokio::join!(changes, join_all(eves.into_iter().map(noise)));
    let figures = pair.world.server.nobody().metrics().await.unwrap();
    for outcome in ["hit", "miss"] {
        let line = format!("bursar_auth_subject_cache_total{{outcome=\"{outcome}\"}}");
        assert!(figures.contains(&line), "{figures}");
    }
}
