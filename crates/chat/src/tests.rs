//! The whole of it over the house's real sign-in, gateway and authorized store, with everything else in memory.

use std::{sync::Arc, time::Duration};

use auth::AuthState;
use chrono::DateTime;
use dbauthz::{
    Authorized,
    fake::{FakeStore, State},
};
use gateway::{Gateway, GatewayConfig, GatewayDeps};
use model::{
    ProviderId, SystemClock, UserId, UuidV7Source,
    acl::Principal,
    chats::{ChatAccess, ChatErrorKind, ChatRole, ChatStatus, ChatVersions, MessageRole},
    prices::{PriceBook, ProviderKind},
    providers::Provider,
    users::UserStatus,
};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    ChatConfig, ChatDeps, ChatEvent, ChatHub, ChatStream, Closed, StreamError,
    feed::tests::world::{CHAT, ORG, OWNER, READER, chat, members, message, organization, users},
};

struct World {
    store: FakeStore,
    auth: AuthState,
    gateway: Gateway,
    hub: ChatHub,
}

impl World {
    /// The owner has a chat in which something was said; nobody may spend anything.
    async fn new() -> Self {
        Self::with(ChatConfig::default()).await
    }

    /// The same with these settings.
    async fn with(config: ChatConfig) -> Self {
        let store = FakeStore::default();
        let at = DateTime::UNIX_EPOCH;
        let provider = Provider {
            id: ProviderId(Uuid::from_u128(3)),
            name: "openai".parse().unwrap(),
            kind: ProviderKind::OpenAi,
            base_url: "http://127.0.0.1:9/v1".parse().unwrap(),
            created_at: at,
            updated_at: at,
        };
        let shared = ChatAccess {
            chat: chat(),
            acl: Default::default(),
            sharing: true,
        };
        *store.state() = State {
            users: users(),
            members: members(),
            organizations: vec![organization()],
            providers: vec![provider],
            chats: vec![shared],
            ..State::default()
        };
        let authorized = Authorized::new(Arc::new(store.clone()));
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(UuidV7Source));
        let auth = AuthState::new(authorized.clone(), clock.clone(), ids.clone(), None);
        let (_hints, hints) = mpsc::channel(1);
        let gateway = Gateway::new(GatewayDeps {
            authorized,
            auth: auth.clone(),
            prices: Arc::new(PriceBook::bundled().unwrap()),
            clock: clock.clone(),
            ids: ids.clone(),
            config: GatewayConfig::default(),
            hints,
        });
        let gateway = gateway.unwrap();
        gateway.start().await.unwrap();
        let config = ChatConfig {
            model: Some("openai/gpt-4o-mini".to_owned()),
            ..config
        };
        let hub = ChatHub::new(ChatDeps {
            auth: auth.clone(),
            gateway: gateway.clone(),
            clock,
            ids,
            config,
        });
        hub.start();
        Self {
            store,
            auth,
            gateway,
            hub,
        }
    }

    async fn stream(&self, user: UserId) -> Result<ChatStream, StreamError> {
        let caller = auth::on_behalf_of(&self.auth, user, ORG, None);
        self.hub.stream(caller.await.unwrap(), CHAT, None).await
    }

    /// Something is said, and a turn is run.
    async fn say(&self) {
        let lease = self.hub.lease().await.unwrap();
        {
            let mut state = self.store.state();
            let chat = &mut state.chats[0].chat;
            chat.status = ChatStatus::Running;
            chat.versions = ChatVersions {
                snapshot: 1,
                history: 1,
                queue: 0,
                attempt: 1,
            };
            state.chat_leases.insert(CHAT, lease.id());
            let said = message(1, MessageRole::User, 1, "How many days has November?");
            state.chat_messages.push(said);
        }
        self.hub.turn(CHAT, lease);
    }

    async fn stop(self) {
        self.hub.shutdown(Duration::from_secs(5)).await;
        self.gateway.shutdown(Duration::from_secs(5)).await;
    }
}

/// The error that a stream tells sooner or later.
async fn error(stream: &mut ChatStream) -> model::chats::ChatError {
    let told = async {
        loop {
            let frame = stream.next().await.unwrap();
            let found = frame.events().iter().find_map(|event| match event {
                ChatEvent::Error(error) => Some(error.clone()),
                _ => None,
            });
            if let Some(error) = found {
                return error;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(20), told).await;
    told.expect("it came in time")
}

#[tokio::test]
async fn a_turn_spends_as_its_owner_and_shows_what_is_in_the_way() {
    let world = World::new().await;
    let mut stream = world.stream(OWNER).await.unwrap();
    world.say().await;
    let shown = error(&mut stream).await;
    // This store refuses every reservation.
    let found = (shown.kind, shown.status_code, shown.provider.as_deref());
    assert_eq!(
        found,
        (ChatErrorKind::UsageLimit, Some(403), Some("openai"))
    );
    let (status, error) = {
        let state = world.store.state();
        let chat = &state.chats[0].chat;
        (chat.status, chat.last_error.clone())
    };
    assert_eq!((status, error), (ChatStatus::Error, Some(shown)));
    assert!(world.store.calls().contains(&"ledger_batch"));
    world.stop().await;
}

#[tokio::test]
async fn who_may_not_act_any_more_spends_nothing() {
    let world = World::new().await;
    {
        let mut state = world.store.state();
        let ann = state.users.iter_mut().find(|user| user.id == OWNER);
        ann.unwrap().status = UserStatus::Suspended;
    }
    world.say().await;
    let ended = async {
        while world.store.state().chats[0].chat.last_error.is_none() {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    ended.expect("it came in time");
    assert!(!world.store.calls().contains(&"ledger_batch"));
    world.stop().await;
}

#[tokio::test]
async fn a_stream_is_for_who_may_read_and_ends_with_the_server() {
    let world = World::new().await;
    let refused = world.stream(READER).await.unwrap_err();
    assert!(matches!(refused, StreamError::Store(error) if error.hidden()));
    let mut stream = world.stream(OWNER).await.unwrap();
    stream.next().await.unwrap();
    let stopping = tokio::spawn(world.stop());
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
    assert_eq!(
        ended.expect("it came in time").unwrap_err(),
        Closed::Stopping
    );
    drop(stream);
    stopping.await.unwrap();
}

/// However a stream ends, its place is free for another.
#[tokio::test]
async fn one_person_has_so_many_streams_open_and_no_more() {
    let world = World::with(ChatConfig {
        streams_per_person: 2,
        watches_per_person: 1,
        ..ChatConfig::default()
    })
    .await;
    let too_many = async |user| {
        let refused = world.stream(user).await.unwrap_err();
        assert!(matches!(refused, StreamError::TooMany(2)), "{refused:?}");
    };
    let share = |with: &[UserId]| {
        let entries = with
            .iter()
            .map(|user| (Principal::User(*user), ChatRole::Read));
        world.store.state().chats[0].acl = entries.collect();
    };
    share(&[READER]);
    let first = world.stream(OWNER).await.unwrap();
    let _second = world.stream(OWNER).await.unwrap();
    too_many(OWNER).await;
    // Somebody else has places of their own.
    let mut reader = world.stream(READER).await.unwrap();
    let _other = world.stream(READER).await.unwrap();
    too_many(READER).await;
    // By leaving.
    drop(first);
    let _third = world.stream(OWNER).await.unwrap();
    too_many(OWNER).await;
    // By being turned away; whoever is not let in takes no place.
    share(&[]);
    world.hub.hint(crate::ChatHint::Acl(CHAT));
    let ended = async { while reader.next().await.is_ok() {} };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    ended.expect("it came in time");
    drop(reader);
    for _ in 0..5 {
        let refused = world.stream(READER).await.unwrap_err();
        assert!(matches!(refused, StreamError::Store(error) if error.hidden()));
    }
    share(&[READER]);
    let _again = world.stream(READER).await.unwrap();

    watches_are_counted(&world).await;
}

async fn watches_are_counted(world: &World) {
    let watch = async || {
        let caller = auth::on_behalf_of(&world.auth, OWNER, ORG, None).await;
        world.hub.watch(caller.unwrap()).await
    };
    let watching = watch().await.unwrap();
    let refused = watch().await.unwrap_err();
    assert!(matches!(refused, StreamError::TooMany(1)), "{refused:?}");
    drop(watching);
    drop(watch().await.unwrap());
}

/// A stream weighs as much as is said in its chat; whoever has none gets one of any chat.
#[tokio::test]
async fn streams_of_large_chats_count_for_several() {
    const MIB: usize = 1 << 20;
    let world = World::with(ChatConfig {
        streams_per_person: 4,
        ..ChatConfig::default()
    })
    .await;
    let check = async |bytes: usize, expected: usize| {
        let said = message(1, MessageRole::User, 1, &"x".repeat(bytes));
        world.store.state().chat_messages = vec![said];
        let mut open = Vec::new();
        let refused = loop {
            match world.stream(OWNER).await {
                Ok(stream) => open.push(stream),
                Err(refused) => break refused,
            }
        };
        assert!(matches!(refused, StreamError::TooMany(4)), "{refused:?}");
        assert_eq!(open.len(), expected, "{bytes}");
    };
    check(1, 4).await;
    check(MIB - 100, 4).await;
    check(MIB, 2).await;
    check(2 * MIB, 1).await;
    check(10 * MIB, 1).await;
}
