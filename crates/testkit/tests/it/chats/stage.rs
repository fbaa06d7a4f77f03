//! The people that tests of chats act with, and what they do all the time.

use std::time::Duration;

use bursar::{chats::ChatOptions, demo::member_of};
use bursar_sdk::{
    Chat, ChatInputPart, ChatListQuery, ChatMessage, ChatMessageListQuery, ChatMessageRole,
    ChatStatus, Client, CreateChatMessageRequest, CreateChatMessageResponse, CreateChatRequest,
    CreateGroupRequest, CreateOrganizationRequest, PatchGroupRequest, UpdateChatAclRequest,
};
use fakeprovider::{Output, Script};
use model::Micros;
use serde_json::Value;
use testkit::{ServerOptions, TestServer, World};
use uuid::Uuid;

use crate::{
    calls::until,
    support::{Answer, Person, ask, member},
};

/// The model that answers where nobody names another.
pub(super) const MODEL: &str = "openai/gpt-4o";
/// Longer than any look by itself takes to come: what happens before was told.
pub(super) const NEVER: Duration = Duration::from_secs(3_600);
/// Looks by themselves that come soon.
pub(super) const SOON: Duration = Duration::from_millis(200);
/// More than any turn here takes.
const PLENTY: Micros = Micros(10_000 * Micros::USD.0);

/// Options of a server whose chats are answered.
pub(super) fn options() -> ServerOptions {
    ServerOptions {
        chats: ChatOptions {
            chat_model: Some(MODEL.to_owned()),
            ..ChatOptions::default()
        },
        drain_timeout: Duration::from_millis(300),
        ..ServerOptions::default()
    }
}

/// An answer that takes so many pieces, 25 a second.
pub(super) fn slow(tokens: u64) -> Script {
    Script {
        output: Output::Tokens(tokens),
        chunk_delay: Duration::from_millis(40),
        ..Script::default()
    }
}

/// A world with Ada, who owns the chats, and everybody who may want to read them.
pub(super) struct Stage {
    pub(super) world: World,
    /// Owns the chats.
    pub(super) ada: Person,
    /// Looks after the organization.
    pub(super) boss: Person,
    /// Whom chats are shared with.
    pub(super) vic: Person,
    /// In the group that chats are shared with.
    pub(super) gil: Person,
    pub(super) group: Uuid,
    /// A member of the organization whom nothing is shared with.
    pub(super) xan: Person,
    /// A member of another organization.
    pub(super) zoe: Person,
    pub(super) beta: Uuid,
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with(Script::default(), &options()).await
    }

    pub(super) async fn with(script: Script, options: &ServerOptions) -> Self {
        let world = World::with_options(script, PLENTY, options).await.unwrap();
        Self::of(world).await
    }

    /// One whose owner of chats may spend this much a month.
    pub(super) async fn poor(script: Script, budget: Micros, options: &ServerOptions) -> Self {
        let world = World::with_options(script, budget, options).await.unwrap();
        Self::of(world).await
    }

    async fn of(world: World) -> Self {
        let owner = &world.cast.owner;
        let beta = CreateOrganizationRequest {
            name: "beta".to_owned(),
            ..CreateOrganizationRequest::default()
        };
        let beta = owner.organization_create(&beta).await.unwrap().id;
        let readers = CreateGroupRequest {
            name: "readers".to_owned(),
            display_name: String::new(),
            avatar_url: String::new(),
        };
        let acme = world.cast.organization_id;
        let group = owner.group_create(acme, &readers).await.unwrap().id;
        let ada = Person {
            id: world.cast.member_id,
            client: world.cast.member.clone(),
        };
        let boss = member(&world, "boss", &["organization-admin"]).await;
        let vic = human(&world, "vic", acme).await;
        let gil = human(&world, "gil", acme).await;
        let xan = human(&world, "xan", acme).await;
        let zoe = human(&world, "zoe", beta).await;
        let stage = Self {
            world,
            ada,
            boss,
            vic,
            gil,
            group,
            xan,
            zoe,
            beta,
        };
        stage.join(stage.gil.id).await;
        stage
    }

    /// Puts somebody into the group.
    pub(super) async fn join(&self, user: Uuid) {
        let change = PatchGroupRequest {
            add_users: vec![user],
            ..PatchGroupRequest::default()
        };
        let owner = &self.world.cast.owner;
        owner.group_update(self.group, &change).await.unwrap();
    }

    /// Takes somebody out of the group.
    pub(super) async fn leave(&self, user: Uuid) {
        let change = PatchGroupRequest {
            remove_users: vec![user],
            ..PatchGroupRequest::default()
        };
        let owner = &self.world.cast.owner;
        owner.group_update(self.group, &change).await.unwrap();
    }

    /// What a new chat of the organization is made of.
    pub(super) fn new_chat(&self, text: &str) -> CreateChatRequest {
        CreateChatRequest {
            organization_id: Some(self.world.cast.organization_id),
            content: vec![ChatInputPart::text(text)],
            ..CreateChatRequest::default()
        }
    }

    /// A new chat of Ada's whose turn has begun.
    pub(super) async fn begin(&self, text: &str) -> Chat {
        let new = self.new_chat(text);
        self.ada.client.chat_create(&new).await.unwrap()
    }

    /// A new chat of Ada's whose turn has ended.
    pub(super) async fn chat(&self, text: &str) -> Uuid {
        let id = self.begin(text).await.id;
        self.rests(id).await;
        id
    }

    /// A new sub-chat of one of Ada's, whose turn has ended.
    pub(super) async fn child(&self, parent: Uuid, text: &str) -> Uuid {
        let new = CreateChatRequest {
            parent_chat_id: Some(parent),
            ..self.new_chat(text)
        };
        let id = self.ada.client.chat_create(&new).await.unwrap().id;
        self.rests(id).await;
        id
    }

    /// A new chat of Ada's that Vic and the group may read.
    pub(super) async fn shared(&self, text: &str) -> Uuid {
        let id = self.chat(text).await;
        self.grant(id, &[self.vic.id], &[self.group]).await;
        id
    }

    /// Shares a chat, as its owner.
    pub(super) async fn grant(&self, chat: Uuid, users: &[Uuid], groups: &[Uuid]) {
        let change = roles(users, groups, "read");
        let ada = &self.ada.client;
        ada.chat_acl_update(chat, &change).await.unwrap();
    }

    /// Shares a chat no more, as its owner.
    pub(super) async fn revoke(&self, chat: Uuid, users: &[Uuid], groups: &[Uuid]) {
        let change = roles(users, groups, "");
        let ada = &self.ada.client;
        ada.chat_acl_update(chat, &change).await.unwrap();
    }

    /// Whether somebody is shown a chat; whoever is not is told that there is none.
    pub(super) async fn sees(&self, who: &Person, chat: Uuid) -> bool {
        match who.client.chat_get(chat).await {
            Ok(found) => {
                assert_eq!(found.id, chat);
                true
            }
            Err(error) => {
                let refusal = error.api().unwrap();
                assert_eq!(refusal.status.as_u16(), 404, "{refusal:?}");
                false
            }
        }
    }

    /// The chat as Ada sees it.
    pub(super) async fn get(&self, chat: Uuid) -> Chat {
        self.ada.client.chat_get(chat).await.unwrap()
    }

    /// Waits until nothing runs in a chat; what it does then.
    pub(super) async fn rests(&self, chat: Uuid) -> ChatStatus {
        until("the turn's end", || async {
            !active(self.get(chat).await.status)
        })
        .await;
        self.get(chat).await.status
    }

    /// Ada says something.
    pub(super) async fn say(&self, chat: Uuid, text: &str) -> CreateChatMessageResponse {
        let ada = &self.ada.client;
        ada.chat_message_create(chat, &said(text)).await.unwrap()
    }

    /// What was said, oldest first.
    pub(super) async fn messages(&self, chat: Uuid) -> Vec<ChatMessage> {
        messages(&self.ada.client, chat).await
    }

    /// Asks by a raw request, `path` being what follows `/api/v2/chats`.
    pub(super) async fn ask(&self, who: &Client, method: &str, path: &str, body: &Value) -> Answer {
        ask(&self.world, who, method, &format!("/chats{path}"), body).await
    }

    /// Runs SQL as somebody who works in the database by hand.
    pub(super) async fn by_hand(&self, statement: &str) {
        let owner = self.world.database.owner().await.unwrap();
        let statement = format!("SET bursar.actor_name = 'by hand'; {statement}");
        owner.batch_execute(&statement).await.unwrap();
    }

    /// The only number of a query's only row.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        let owner = self.world.database.owner().await.unwrap();
        owner.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Checks that no turn runs any more, and that the ledger balances and holds nothing.
    pub(super) async fn at_rest(&self) {
        until("rest everywhere", || async {
            let running = "SELECT count(*) FROM chats WHERE status IN ('running', 'interrupting')";
            self.number(running).await == 0
        })
        .await;
        crate::calls::settled(&self.world.database).await;
    }
}

/// A member of an organization who signs in by password, and so is a person, who may have chats.
pub(super) async fn human(world: &World, name: &str, organization: Uuid) -> Person {
    let made = member_of(&world.cast.owner, name, organization)
        .await
        .unwrap();
    Person {
        id: made.id,
        client: world.cast.owner.with_token(made.token),
    }
}

/// A stage with a second server on its database.
pub(super) struct Pair {
    pub(super) stage: Stage,
    pub(super) second: TestServer,
}

impl Pair {
    pub(super) async fn new(script: Script, options: &ServerOptions) -> Self {
        let stage = Stage::with(script, options).await;
        let second = TestServer::start(&stage.world.database, options).await;
        Self {
            stage,
            second: second.unwrap(),
        }
    }

    /// Somebody at the second server.
    pub(super) fn there(&self, who: &Person) -> Client {
        self.second.as_caller(&who.client)
    }
}

/// Whether a turn runs.
pub(super) fn active(status: ChatStatus) -> bool {
    matches!(status, ChatStatus::Running | ChatStatus::Interrupting)
}

/// A change of an ACL that gives all of these one role.
pub(super) fn roles(users: &[Uuid], groups: &[Uuid], role: &str) -> UpdateChatAclRequest {
    let of = |ids: &[Uuid]| {
        let entry = |id: &Uuid| (id.to_string(), role.to_owned());
        ids.iter().map(entry).collect()
    };
    UpdateChatAclRequest {
        user_roles: of(users),
        group_roles: of(groups),
        ..UpdateChatAclRequest::default()
    }
}

/// Words to be said.
pub(super) fn said(text: &str) -> CreateChatMessageRequest {
    CreateChatMessageRequest {
        content: vec![ChatInputPart::text(text)],
        ..CreateChatMessageRequest::default()
    }
}

/// What was said, oldest first, as somebody sees it.
pub(super) async fn messages(who: &Client, chat: Uuid) -> Vec<ChatMessage> {
    let query = ChatMessageListQuery {
        limit: Some(200),
        ..ChatMessageListQuery::default()
    };
    let mut page = who.chat_message_list(chat, &query).await.unwrap();
    page.messages.reverse();
    page.messages
}

/// The words of a message.
pub(super) fn text(message: &ChatMessage) -> String {
    let texts = message.content.iter().filter_map(|part| part.text.clone());
    texts.collect()
}

/// Who said what, in short; an answer by its first word.
pub(super) fn brief(messages: &[ChatMessage]) -> Vec<String> {
    let brief = |message: &ChatMessage| match message.role {
        ChatMessageRole::Assistant => "an answer".to_owned(),
        ChatMessageRole::User | ChatMessageRole::System => text(message),
    };
    messages.iter().map(brief).collect()
}

/// The titles of the chats that a query finds for somebody.
pub(super) async fn titles(who: &Client, q: &str) -> Vec<String> {
    let query = ChatListQuery {
        q: Some(q.to_owned()),
        ..ChatListQuery::default()
    };
    let found = who.chat_list(&query).await.unwrap();
    found.into_iter().map(|chat| chat.title).collect()
}
