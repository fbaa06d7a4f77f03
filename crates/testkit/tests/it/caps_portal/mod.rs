//! Caps that live at a customers portal: a server that reads, mirrors and writes them there, and a portal that misbehaves
//! in every way that such portals do.

mod blocked;
mod failures;
mod local;
mod order;
mod outage;
mod reads;
mod replicas;
mod secrets;
mod writes;

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use bursar_sdk::Client;
use fakeportal::{Amount, Operation, Subscription};
use fakeprovider::Script;
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestPortal, TestServer, World, chat_request};
use uuid::Uuid;

use crate::graphql::{FLAT, OVERRIDES, change, gql};

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(100);
/// How often servers read the portal whose reads must not be in the way.
const SELDOM: Duration = Duration::from_secs(60);
/// How often others do.
const OFTEN: Duration = Duration::from_secs(1);

/// What is read besides caps in one query.
const ALL: &str = "query($path: ID) {
    subscriptionUsage(namespacePath: $path) { enabled
        budgetCaps { subscriptionCap subscriptionCapEnabled flatUserCap flatUserCapEnabled included
            userOverrides { count nodes { userId cap capEnabled createdAt updatedAt } } }
        usersUsage { users { nodes { username usage { creditsUsed } } } } }
    currentPath: queryComplexity { score } }";

/// A deployment whose caps live at a portal, which knows its organization.
struct Stage {
    world: World,
    portal: TestPortal,
    options: ServerOptions,
}

impl Stage {
    /// One that reads the portal so often, once it has read everything.
    async fn new(refresh: Duration) -> Self {
        Self::with(refresh, |_| {}).await
    }

    async fn with(refresh: Duration, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let portal = TestPortal::start().await.unwrap();
        let mut options = ServerOptions {
            caps_place: Some(portal.options(refresh).unwrap()),
            ..ServerOptions::default()
        };
        change(&mut options);
        let script = Script::default();
        let world = World::with_options(script, Micros(100_000_000), &options);
        let world = world.await.unwrap();
        // The one that every deployment has, too.
        let owner = world.database.owner().await.unwrap();
        let all = "SELECT id::text FROM organizations WHERE NOT deleted";
        for row in owner.query(all, &[]).await.unwrap() {
            let id: String = row.get(0);
            portal.fake.books().namespace(id);
        }
        let stage = Self {
            world,
            portal,
            options,
        };
        stage.reread().await;
        stage
    }

    /// Another server of the deployment.
    async fn replica(&self) -> TestServer {
        let started = TestServer::start(&self.world.database, &self.options).await;
        started.unwrap()
    }

    /// Changes what the portal keeps for the organization, as the portal's own pages do.
    fn keeps<T>(&self, change: impl FnOnce(&mut Subscription) -> T) -> T {
        let mut books = self.portal.fake.books();
        change(books.namespace(self.world.cast.organization_id))
    }

    /// The flat cap that the portal keeps.
    fn flat(&self) -> Amount {
        self.keeps(|kept| kept.flat.clone())
    }

    /// How many writes the portal was asked for.
    fn writes(&self) -> usize {
        let fake = &self.portal.fake;
        fake.count_of(Operation::FlatCap) + fake.count_of(Operation::Overrides)
    }

    /// How often the portal was asked for the organization's caps.
    fn reads(&self) -> usize {
        let asked = self.portal.fake.received();
        let acme = self.world.cast.organization_id.to_string();
        let reads = asked.iter().filter(|one| {
            one.operation == Some(Operation::BudgetCaps) && one.namespace().as_ref() == Some(&acme)
        });
        reads.count()
    }

    async fn sql(&self, text: &str) {
        let owner = self.world.database.owner().await.unwrap();
        owner.batch_execute(text).await.unwrap();
    }

    async fn number(&self, sql: &str) -> i64 {
        let owner = self.world.database.owner().await.unwrap();
        owner.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Lets everything that is covered be read again, and waits until it was.
    async fn reread(&self) {
        let begun =
            "CREATE TABLE IF NOT EXISTS stage_reread (at timestamptz); DELETE FROM stage_reread;
            INSERT INTO stage_reread VALUES (now())";
        self.sql(begun).await;
        let place = self.options.caps_place.as_ref().unwrap();
        let instance = u8::from(place.caps_portal_licence_file.is_some());
        let organizations = if place.caps_portal_admin_email.is_some() {
            "(SELECT count(*) FROM organizations WHERE NOT deleted)"
        } else {
            "0"
        };
        let missing = format!(
            "SELECT {organizations} + {instance} - count(*) FROM budget_cap_mirrors, stage_reread AS r
                WHERE read_at >= r.at"
        );
        let due = "UPDATE budget_cap_mirrors SET due_at = now() FROM stage_reread AS r
            WHERE coalesce(read_at < r.at, true)";
        let asked = Cell::new(None::<Instant>);
        let read = async || {
            // Again after a while: a read that had begun before stands for one that is taken up then.
            if asked.get().is_none_or(|at| at.elapsed() > 5 * OFTEN) {
                self.sql(due).await;
                asked.set(Some(Instant::now()));
            }
            self.number(&missing).await <= 0
        };
        self.until(read, "a read").await;
    }

    /// Lets what was mirrored be so old that somebody who wants to see it must ask the portal, while no server does by
    /// itself.
    async fn stale(&self) {
        // What is due later than that is taken for written by a clock that was set back.
        let place = self.options.caps_place.as_ref().unwrap();
        let seconds = place.caps_portal_refresh.mul_f64(1.9).as_secs_f64();
        self.sql(&format!(
            "UPDATE budget_cap_mirrors SET read_at = now() - interval '2 minutes',
                due_at = now() + interval '{seconds} seconds'"
        ))
        .await;
    }

    /// Waits until something is so.
    async fn until(&self, so: impl AsyncFn() -> bool, what: &str) {
        let started = Instant::now();
        while !so().await {
            assert!(started.elapsed() < PATIENCE, "{what} does not come");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the member's request at a server comes to: the status, and the code of a refusal.
    async fn ask_at(&self, server: &TestServer) -> (u16, Value) {
        let token = &self.world.cast.member_token;
        let request = chat_request("gpt-4o");
        let answer = self.world.chat(server, token, &request).await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["error"]["code"].clone())
    }

    async fn ask(&self) -> (u16, Value) {
        self.ask_at(&self.world.server).await
    }

    /// Waits until the member's requests are served, or refused by a cap.
    async fn until_served(&self, served: bool) {
        let status = if served { 200 } else { 403 };
        let so = async || self.ask().await.0 == status;
        self.until(so, "another answer").await;
    }

    /// Everything about the organization, as the owner sees it.
    async fn all(&self) -> Value {
        gql(&self.world, self.owner(), ALL, json!({"path": "acme"})).await
    }

    /// The organization's caps, which there are.
    async fn caps(&self) -> Value {
        let answer = self.all().await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"]["subscriptionUsage"]["budgetCaps"].clone()
    }

    const fn owner(&self) -> &Client {
        &self.world.cast.owner
    }

    async fn set_flat(&self, amount: f64) -> Value {
        let input = json!({"flatUserCap": amount, "flatUserCapEnabled": true});
        change(&self.world, self.owner(), FLAT, input).await
    }

    async fn set_own(&self, user: Uuid, amount: f64) -> Value {
        let rows = json!([crate::graphql::row(user, amount, true)]);
        let input = json!({"overrides": rows});
        change(&self.world, self.owner(), OVERRIDES, input).await
    }
}

/// The place and the code of each error.
fn codes(answer: &Value) -> Vec<(String, String)> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let told = |error: &Value| {
        let path = error["path"].as_array().cloned().unwrap_or_default();
        let part = |part: &Value| {
            part.as_str()
                .map_or_else(|| part.to_string(), str::to_owned)
        };
        let path: Vec<String> = path.iter().map(part).collect();
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        (path.join("."), code.to_owned())
    };
    errors.iter().map(told).collect()
}

fn coded(path: &str, code: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), code.to_owned())]
}
