//! What caps do to requests at the gateway of every server, told as stories; their numbers are the reference's.

use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};

use super::{FLAT, OVERRIDES, SUBSCRIPTION, change, data, gql, row};
use crate::{
    calls::{Spoken, settled, url},
    external_usage::{report, spent},
    story::Story,
};

const STOPPED: &str = "{ subscriptionUsage(namespacePath: \"acme\") { usersUsage { users { nodes {
    username blockedStatus { blocked capType } } } } } }";

/// A story on two servers, in an organization where nobody has a budget.
struct Told {
    story: Story,
    other: TestServer,
    reports: usize,
}

impl Told {
    /// Runs the lines of a story. All amounts are dollars.
    ///
    /// ```text
    /// set flat 10             the flat cap
    /// set own ada 100         Ada's own cap
    /// set subscription 0      the cap of all together
    /// set included 24         what is included for each
    /// spent ada 23.9          now she has spent exactly this
    /// ask ada 200             she asks each server, which must answer this
    /// ask ada 403 "words"     and say this
    /// stopped ada FLAT_USER_CAP
    /// stopped ada null
    /// ```
    async fn tell(text: &str) {
        let story = Story::new().await;
        let options = ServerOptions::default();
        let other = TestServer::start(&story.world.database, &options);
        let mut told = Self {
            other: other.await.unwrap(),
            story,
            reports: 0,
        };
        for line in text.lines().map(str::trim) {
            if !(line.is_empty() || line.starts_with('#')) {
                told.step(line).await;
            }
        }
    }

    const fn world(&self) -> &World {
        &self.story.world
    }

    async fn step(&mut self, line: &str) {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        match (word(), word(), word(), word()) {
            ("set", "own", who, amount) => self.own(who, dollars(amount)).await,
            ("set", what, amount, "") => self.set(what, dollars(amount)).await,
            ("spent", who, amount, "") => self.spent(who, micros(amount)).await,
            ("ask", who, status, said) => self.ask(who, status, said.trim_matches('"'), line).await,
            ("stopped", who, cap, "") => self.stopped(who, cap, line).await,
            _ => panic!("{line}"),
        }
    }

    async fn change(&self, query: &str, input: Value) {
        let answer = change(self.world(), &self.world().cast.owner, query, input).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        let payload = answer["data"].as_object().unwrap().values().next().unwrap();
        assert_eq!(payload["errors"], json!([]), "{answer}");
    }

    async fn set(&self, what: &str, amount: f64) {
        let (query, input) = match what {
            "flat" => (
                FLAT,
                json!({"flatUserCap": amount, "flatUserCapEnabled": true}),
            ),
            "subscription" => (
                SUBSCRIPTION,
                json!({"subscriptionCap": amount, "subscriptionCapEnabled": true}),
            ),
            "included" => (SUBSCRIPTION, json!({"included": amount})),
            other => panic!("there is no {other}"),
        };
        self.change(query, input).await;
    }

    async fn own(&mut self, who: &str, amount: f64) {
        let user = self.story.caller(who).await.user_get("me").await.unwrap();
        let rows = json!({"overrides": [row(user.id, amount, true)]});
        self.change(OVERRIDES, rows).await;
    }

    async fn spent(&mut self, who: &str, micros: i64) {
        let client = self.story.caller(who).await;
        settled(&self.world().database).await;
        let (before, held) = self.world().spend(&client).await.unwrap();
        let user = client.user_get("me").await.unwrap();
        let rest = micros - before;
        assert!(rest > 0 && held == 0, "{who} has spent {before}");
        self.reports += 1;
        let one = spent(&format!("k{}", self.reports), &user.username, rest);
        report(&self.world().cast.owner, &[one]).await.unwrap();
        assert_eq!(self.world().spend(&client).await.unwrap(), (micros, 0));
    }

    async fn ask(&mut self, who: &str, status: &str, said: &str, line: &str) {
        let client = self.story.caller(who).await;
        let token = client.token().unwrap();
        for server in [&self.world().server, &self.other] {
            let request = self.world().http.post(url(server, Spoken::OpenAi.path()));
            let request = request.json(&Spoken::OpenAi.body(10, false));
            let answer = request.bearer_auth(token.expose()).send().await.unwrap();
            let found = answer.status();
            let body: Value = answer.json().await.unwrap();
            assert_eq!(found.as_str(), status, "{line}: {body}");
            let message = body["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains(said), "{line}: {body}");
        }
    }

    async fn stopped(&mut self, who: &str, cap: &str, line: &str) {
        let user = self.story.caller(who).await.user_get("me").await.unwrap();
        settled(&self.world().database).await;
        let answer = gql(self.world(), &self.world().cast.owner, STOPPED, Value::Null).await;
        let users = &data(&answer, "subscriptionUsage")["usersUsage"]["users"]["nodes"];
        let mut users = users.as_array().unwrap().iter();
        let found = users.find(|node| node["username"] == user.username);
        let expected = match cap {
            "null" => json!({"blocked": false, "capType": null}),
            cap => json!({"blocked": true, "capType": cap}),
        };
        assert_eq!(found.unwrap()["blockedStatus"], expected, "{line}");
    }
}

fn dollars(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn micros(text: &str) -> i64 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{rest:0<6}").parse().unwrap()
}

#[tokio::test]
async fn a_cap_takes_nothing_of_what_is_included() {
    Told::tell(
        r#"
        # 58
        set included 24
        set flat 10
        spent ada 23.9
        ask ada 200
        stopped ada null
        spent ada 24
        ask ada 403 "under the flat user cap of your organization"
        stopped ada FLAT_USER_CAP
        # the same with a cap of zero, which blocks at once where nothing is included
        set flat 0
        spent colleague 23.9
        ask colleague 200
        spent colleague 24
        ask colleague 403 "never less than the $24.00 included for you"
        stopped colleague FLAT_USER_CAP
        ask org-admin 200
        set included 0
        ask org-admin 403 "under the flat user cap"
        # a cap above what is included holds by itself
        set included 24
        set flat 50
        spent ada 49.9
        ask ada 200
        spent ada 50
        ask ada 403 "the limit is $50.00"
        "#,
    )
    .await;
}

#[tokio::test]
async fn ones_own_cap_stands_in_for_the_flat_one_and_stops_nobody_else() {
    Told::tell(
        r#"
        # 59
        set flat 10
        set own ada 100
        spent ada 60
        ask ada 200
        stopped ada null
        spent ada 100
        ask ada 403 "under the user cap of your organization that is set for you"
        stopped ada USER_OVERRIDE_CAP
        # 61
        ask colleague 200
        stopped colleague null
        # 59, the other way
        set flat 50
        set own colleague 5
        spent colleague 4.9
        ask colleague 200
        spent colleague 5
        ask colleague 403 "that is set for you"
        stopped colleague USER_OVERRIDE_CAP
        set included 24
        stopped colleague null
        spent colleague 23.9
        ask colleague 200
        spent colleague 24
        ask colleague 403 "never less than the $24.00 included for you"
        # 61
        ask org-admin 200
        "#,
    )
    .await;
}

#[tokio::test]
async fn a_subscriptions_cap_counts_what_is_beyond_the_included_only() {
    Told::tell(
        r#"
        # 62
        set included 100
        set subscription 0
        spent ada 100
        spent colleague 40
        ask ada 403 "under the subscription cap of your organization (all people together)"
        stopped ada SUBSCRIPTION_CAP
        ask colleague 200
        stopped colleague null
        # 64
        set included 1000
        set subscription 1
        spent ada 1000
        ask ada 200
        # 65
        spent ada 1001
        ask ada 403 "under the subscription cap"
        stopped ada SUBSCRIPTION_CAP
        ask colleague 200
        set subscription 2
        stopped ada null
        ask ada 200
        # felt by whoever has used up what is included
        spent ada 1002
        ask ada 403 "under the subscription cap"
        spent colleague 999.9
        ask colleague 200
        spent colleague 1000
        ask colleague 403 "under the subscription cap"
        "#,
    )
    .await;
}

#[tokio::test]
async fn a_cap_that_is_raised_lets_the_next_request_through() {
    Told::tell(
        r#"
        # 73: of each cap, at each server, however often it said no
        set flat 1
        spent ada 1
        ask ada 403 "the limit is $1.00"
        ask ada 403
        set flat 1.1
        ask ada 200
        spent ada 1.1
        ask ada 403 "the limit is $1.10"
        set own ada 1.2
        ask ada 200
        spent ada 1.2
        ask ada 403 "the limit is $1.20"
        set own ada 50
        ask ada 200
        set subscription 1
        ask ada 403 "the limit is $1.00"
        set subscription 1.3
        ask ada 200
        # and one that is lowered stops it
        set own ada 0.5
        ask ada 403 "the limit is $0.50"
        "#,
    )
    .await;
}
