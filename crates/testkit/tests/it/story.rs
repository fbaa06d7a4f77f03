//! Stories told as tables: who asks what, and what the answer must be, a line each.
//!
//! ```text
//! owner PUT /groups/{group}/ai/budget {"spend_limit_micros":5} => 200 /spend_limit_micros=5
//! ada CHAT => 403 "the limit is $0.000005"
//! clock 1 day
//! ```
//!
//! After the status come values at places of the answer, as JSON Pointers, and words of its message. People are
//! made when they are first named. In paths and bodies, names in braces stand for ids.

use std::collections::HashMap;

use bursar_sdk::{Client, CreateGroupRequest, CreateOrganizationRequest, PatchGroupRequest};
use serde_json::Value;
use testkit::World;
use uuid::Uuid;

use crate::support::{Answer, Person, ask_text, member, person, send, site, world};

/// A world, and those who are in the story.
pub(crate) struct Story {
    pub(crate) world: World,
    people: HashMap<String, Person>,
    ids: HashMap<&'static str, String>,
}

impl Story {
    /// The world has Ada, in the group `{group}` of the organization `{acme}`, which also has `{other}`; and
    /// `{far}`, a group of the organization `{beta}`, where she is not. Nobody has a budget.
    pub(crate) async fn new() -> Self {
        let world = world().await;
        let owner = &world.cast.owner;
        let (acme, group) = (world.cast.organization_id, world.cast.group_id);
        owner.group_budget_delete(group).await.unwrap();
        let named = |name: &str| CreateGroupRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        let other = owner.group_create(acme, &named("other")).await.unwrap().id;
        let beta = CreateOrganizationRequest {
            name: "beta".to_owned(),
            ..Default::default()
        };
        let beta = owner.organization_create(&beta).await.unwrap().id;
        let far = owner.group_create(beta, &named("far")).await.unwrap().id;
        let default = owner.organization_get("default").await.unwrap().id;
        let ids = [
            ("{acme}", acme),
            ("{group}", group),
            ("{other}", other),
            ("{beta}", beta),
            ("{far}", far),
            ("{default}", default),
            ("{ada}", world.cast.member_id),
            ("{unknown}", Uuid::from_u128(9)),
        ];
        let ids = ids.map(|(name, id)| (name, id.to_string())).into();
        Self {
            world,
            people: HashMap::new(),
            ids,
        }
    }

    /// Runs the lines of a story. Empty ones and those that begin with `#` say nothing.
    pub(crate) async fn tell(&mut self, text: &str) {
        for line in text.lines().map(str::trim) {
            if !(line.is_empty() || line.starts_with('#')) {
                self.step(line).await;
            }
        }
    }

    async fn step(&mut self, line: &str) {
        let (what, rest) = line.split_once(' ').unwrap();
        match what {
            "clock" => self.world.database.shift_clock(rest).await.unwrap(),
            "join" => self.join(rest).await,
            who => {
                let (call, expected) = rest.split_once(" => ").unwrap();
                let caller = self.caller(who).await;
                let answer = self.call(&caller, call).await;
                self.check(&answer, expected, line);
            }
        }
    }

    /// `join {other}`: Ada comes into a group.
    async fn join(&self, group: &str) {
        let join = PatchGroupRequest {
            add_users: vec![self.world.cast.member_id],
            ..Default::default()
        };
        let owner = &self.world.cast.owner;
        owner.group_update(self.fill(group), &join).await.unwrap();
    }

    /// Somebody by name, made when first named.
    pub(crate) async fn caller(&mut self, who: &str) -> Client {
        let world = &self.world;
        match who {
            "owner" => return world.cast.owner.clone(),
            "ada" => return world.cast.member.clone(),
            "nobody" => return world.cast.owner.without_token(),
            _ => {}
        }
        if !self.people.contains_key(who) {
            let made = match who {
                "stranger" => person(world, "stranger", &[]).await,
                "colleague" => member(world, "colleague", &[]).await,
                "org-admin" => member(world, "org-admin", &["organization-admin"]).await,
                "org-user-admin" => member(world, "org-user", &["organization-user-admin"]).await,
                "user-admin" | "auditor" => site(world, who).await,
                other => panic!("nobody is called {other}"),
            };
            self.people.insert(who.to_owned(), made);
        }
        self.people[who].client.clone()
    }

    async fn call(&self, caller: &Client, call: &str) -> Answer {
        if call == "CHAT" {
            let token = caller.token().unwrap();
            let path = "/api/v2/ai-gateway/openai/v1/chat/completions";
            let request = crate::support::request(&self.world, "POST", path)
                .bearer_auth(token.expose())
                .json(&testkit::world::chat_request("gpt-4o"));
            return send(request).await;
        }
        let mut words = call.splitn(3, ' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let body = words.next().unwrap_or_default();
        let (path, body) = (self.fill(path), self.fill(body));
        ask_text(&self.world, caller, method, &path, body).await
    }

    fn fill(&self, text: &str) -> String {
        let ids = self.ids.iter();
        ids.fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }

    fn check(&self, answer: &Answer, expected: &str, line: &str) {
        let (status, mut rest) = expected.split_once(' ').unwrap_or((expected, ""));
        assert_eq!(answer.status.to_string(), status, "{line}: {}", answer.text);
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix('"') {
                let (words, after) = quoted.split_once('"').unwrap();
                assert!(answer.message().contains(words), "{line}: {}", answer.text);
                rest = after.trim_start();
                continue;
            }
            let (check, after) = rest.split_once(' ').unwrap_or((rest, ""));
            let (pointer, value) = check.split_once('=').unwrap();
            let value = self.fill(value);
            let value: Value = serde_json::from_str(&value).unwrap_or(Value::String(value));
            let body = answer.json();
            let found = body.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(*found, value, "{line}: {pointer} in {}", answer.text);
            rest = after;
        }
    }
}
