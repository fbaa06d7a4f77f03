//! Measures reading chats at the database: `cargo xtask bench chats`, with `--short` on a tenth of the rows.
//!
//! PostgreSQL is durable and has Bursar's own settings. There are 100,000 chats of 10,000 people in ten organizations with
//! 1,000 groups; one in twenty is shared, half of those with a person and half with a group, and one person owns 5,000.
//! What is counted is a call of the repository: the statement, the way there and back, and reading its rows. It fails if
//! anything read all chats, or if a row with a goal took three times as long.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a program that measures prints, and may stop where it stands"
)]

use std::{sync::Arc, time::Duration};

use db::{
    Database, DatabaseOptions, Sealer,
    local::{LocalConfig, LocalPostgres, LocalRole},
};
use model::{
    ChatId, UserId,
    chats::{ChatCursor, ChatFilter, ChatSources, MessageWindow, TurnKey},
};
use rbac::{Action, Permission, ResourceType, Role, Subject, Visibility};
use secrecy::ExposeSecret;
use store::{ReadUnit, Store, StoreResult, chat_messages::SeenVersions, chat_turns::FollowedTurn};
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

const CHATS: i64 = 100_000;
/// The chats of the one who has most: the first so many.
const MOST: i64 = 5_000;
const ROUNDS: i64 = 1_000;
/// What all but one in a hundred are to take less than.
const GOAL: Duration = Duration::from_millis(10);
/// How many times the goal is a failure, whatever else the machine does.
const TOO_LONG: u32 = 3;
/// How many turns are followed by one look.
const FOLLOWED: usize = 50;

fn main() {
    let short = std::env::args().any(|argument| argument == "--short");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(if short { 10 } else { 1 }));
}

async fn run(share: i64) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = LocalConfig::new(folder.path());
    config.path_env = std::env::var_os("PATH");
    let postgres = LocalPostgres::start(config).await.unwrap();
    db::migrate(&postgres.owner_url(), LocalRole::App.name())
        .await
        .unwrap();
    let administrator = administrator(&postgres).await;
    let began = Instant::now();
    seed(&administrator, share).await;
    let (all, took) = (CHATS / share, began.elapsed());
    println!("{all} chats were made in {took:.0?}");
    let people = people(&administrator).await;
    println!(
        "| what | rows | p50 | p99 | most | goal of p99 | times that all chats were read |\n|---|---|---|---|---|---|---|"
    );
    let (mut missed, mut scanning) = (Vec::new(), Vec::new());
    for what in Asked::ALL {
        let before = scans(&administrator).await;
        let options = DatabaseOptions::new(postgres.app_url());
        let database = Database::connect(options, Sealer::from_key(&[7; 32])).await;
        let database = database.unwrap();
        let (took, row) = measure(&database, *what, &people).await;
        drop(database);
        let scans = scans(&administrator).await - before;
        println!("{row} {scans} |");
        if what.goal().is_some_and(|goal| took > goal * TOO_LONG) {
            missed.push((*what, took));
        }
        if scans > 0 {
            scanning.push((*what, scans));
        }
    }
    postgres.stop().await.unwrap();
    assert!(scanning.is_empty(), "all chats are read: {scanning:?}");
    assert!(missed.is_empty(), "far from the goal: {missed:?}");
}

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    OwnPage,
    OwnPageOfTheMost,
    NextPageOfTheMost,
    OwnPageOfAnAdministrator,
    SharedPage,
    SharedPageOfAnAdministrator,
    BothPage,
    Search,
    SearchOfTheMost,
    SearchOfWhatIsShared,
    Shared,
    Get,
    News,
    Follow,
    Messages,
}

impl Asked {
    const ALL: &'static [Self] = &[
        Self::OwnPage,
        Self::OwnPageOfTheMost,
        Self::NextPageOfTheMost,
        Self::OwnPageOfAnAdministrator,
        Self::SharedPage,
        Self::SharedPageOfAnAdministrator,
        Self::BothPage,
        Self::Search,
        Self::SearchOfTheMost,
        Self::SearchOfWhatIsShared,
        Self::Shared,
        Self::Get,
        Self::News,
        Self::Follow,
        Self::Messages,
    ];

    /// Whether it is asked by the one who has most chats.
    const fn of_the_most(self) -> bool {
        matches!(
            self,
            Self::OwnPageOfTheMost | Self::NextPageOfTheMost | Self::SearchOfTheMost
        )
    }

    /// Whether it is asked by somebody who may read all chats.
    const fn of_an_administrator(self) -> bool {
        matches!(
            self,
            Self::OwnPageOfAnAdministrator | Self::SharedPageOfAnAdministrator
        )
    }

    /// What all but one in a hundred are to take less than, where that is promised.
    fn goal(self) -> Option<Duration> {
        matches!(self, Self::OwnPage | Self::SharedPage).then_some(GOAL)
    }

    fn filter(self) -> ChatFilter {
        let search = matches!(
            self,
            Self::Search | Self::SearchOfTheMost | Self::SearchOfWhatIsShared
        );
        ChatFilter {
            sources: match self {
                Self::SharedPage
                | Self::SharedPageOfAnAdministrator
                | Self::SearchOfWhatIsShared => ChatSources::Shared,
                Self::BothPage => ChatSources::Both,
                _ => ChatSources::Own,
            },
            search: search.then(|| "common w77".to_owned()),
            limit: 50,
            ..ChatFilter::default()
        }
    }
}

/// Somebody, with what they may see and a chat of their own.
struct Person {
    id: UserId,
    visible: Visibility,
    chat: ChatId,
}

impl Person {
    /// The turn of the chat, of which all is known but what was said last.
    fn followed(&self) -> FollowedTurn {
        FollowedTurn {
            turn: TurnKey {
                chat_id: self.chat,
                history_version: 2,
                attempt: 1,
            },
            snapshot: 2,
            parts: 19,
        }
    }
}

/// As many as there are rounds; the first has most chats.
async fn people(administrator: &Client) -> Vec<Person> {
    let query = "SELECT u.id, m.organization_id, c.id, \
            (SELECT coalesce(array_agg(g.group_id), '{}') FROM group_members AS g WHERE g.user_id = u.id) \
        FROM users AS u JOIN organization_members AS m ON m.user_id = u.id \
        CROSS JOIN LATERAL (SELECT id FROM chats WHERE owner_id = u.id ORDER BY id LIMIT 1) AS c \
        ORDER BY u.username <> 'user-00000', md5(u.username) LIMIT $1";
    let found = administrator.query(query, &[&ROUNDS]).await.unwrap();
    let read = Permission::allow(ResourceType::Chat, Action::Read);
    let role = Arc::new(Role::new("member", "").with_member([read]));
    let person = |row: &Row| {
        let (id, organization): (Uuid, Uuid) = (row.get(0), row.get(1));
        let subject = Subject::user(id)
            .org_role(organization, Arc::clone(&role))
            .groups(row.get::<_, Vec<Uuid>>(3));
        let subject = subject.prepare();
        Person {
            id: UserId(id),
            visible: subject.visibility(Action::Read, ResourceType::Chat),
            chat: ChatId(row.get(2)),
        }
    };
    found.iter().map(person).collect()
}

/// The time that all but one in a hundred took less than, and a row of a table about it.
async fn measure(database: &Database, what: Asked, people: &[Person]) -> (Duration, String) {
    let (mut took, mut rows) = (Vec::new(), 0);
    let mut after = None;
    if what == Asked::NextPageOfTheMost {
        let mut unit = database.read().await.unwrap();
        let (first, filter) = (&people[0], what.filter());
        let page = unit.chat_list(&filter, first.id, &first.visible).await;
        let page = page.unwrap();
        after = page.chats.last().map(|one| ChatCursor::of(&one.root));
    }
    for place in 0..people.len() {
        let person = &people[if what.of_the_most() { 0 } else { place }];
        let mut unit = database.read().await.unwrap();
        let followed = people.iter().cycle().skip(place).take(FOLLOWED);
        let followed: Vec<FollowedTurn> = followed.map(Person::followed).collect();
        let began = Instant::now();
        rows += if what == Asked::Follow {
            let news = unit.chat_turn_follow_list(&followed).await.unwrap();
            news.len()
        } else {
            ask(&mut *unit, what, person, after).await.unwrap()
        };
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let goal = what
        .goal()
        .map_or_else(|| "–".to_owned(), |goal| format!("< {goal:?}"));
    let row = format!(
        "| {what:?} | {}.{} | {:.1?} | {:.1?} | {:.1?} | {goal} |",
        rows / took.len(),
        rows * 10 / took.len() % 10,
        at(50),
        at(99),
        at(100)
    );
    (at(99), row)
}

/// Asks it once; how many rows came.
async fn ask(
    unit: &mut dyn ReadUnit,
    what: Asked,
    person: &Person,
    after: Option<ChatCursor>,
) -> StoreResult<usize> {
    match what {
        Asked::Shared => {
            let found = unit.chat_shared_list(person.id, &person.visible).await?;
            Ok(found.len())
        }
        Asked::Get => {
            let found = unit.chat_get(person.chat, Some(person.id)).await?;
            Ok(usize::from(found.is_some()))
        }
        Asked::News => {
            let seen = SeenVersions::default();
            let found = unit.chat_news_get(person.chat, &seen).await?;
            Ok(found.map_or(0, |news| news.messages.len()))
        }
        Asked::Messages => {
            let window = MessageWindow {
                limit: 50,
                ..MessageWindow::default()
            };
            let page = unit.chat_message_list(person.chat, &window).await?;
            Ok(page.messages.len())
        }
        _ => {
            let filter = ChatFilter {
                after,
                ..what.filter()
            };
            let visible = match what.of_an_administrator() {
                true => &Visibility::All,
                false => &person.visible,
            };
            let page = unit.chat_list(&filter, person.id, visible).await?;
            Ok(page.chats.len())
        }
    }
}

/// How often all chats were read, once everybody is gone who could have done so and has yet to say it.
async fn scans(administrator: &Client) -> i64 {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'bursar_app'";
    for _ in 0..1_000 {
        let row = administrator.query_one(others, &[]).await.unwrap();
        if row.get::<_, i64>(0) == 0 {
            let own = "SELECT pg_stat_force_next_flush()";
            administrator.batch_execute(own).await.unwrap();
            let scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'chats'";
            let scans = administrator.query_one(scans, &[]).await.unwrap();
            return scans.get(0);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("connections stay open")
}

async fn administrator(postgres: &LocalPostgres) -> Client {
    let url = postgres.url(LocalRole::Superuser, "bursar");
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

async fn seed(administrator: &Client, share: i64) {
    let sql = include_str!("chats.sql")
        .replace("$chats", &(CHATS / share).to_string())
        .replace("$most", &(MOST / share).to_string())
        .replace("$people", &(CHATS / share / 10).to_string())
        .replace("$groups", &(CHATS / share / 100).to_string());
    administrator.batch_execute(&sql).await.unwrap();
    administrator.batch_execute("VACUUM ANALYZE").await.unwrap();
}
