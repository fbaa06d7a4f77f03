//! Addresses of files: whoever they were made for is asked about again.

use chrono::{DateTime, TimeDelta};
use model::{ChatFileId, chats::ChatFileDownload, users::UserStatus};
use rbac::{Action, Object, ResourceType};
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::{ANN, BOB, ORG, World, world};
use crate::{AuthError, download_open, download_secret};

const FILE: ChatFileId = ChatFileId(Uuid::from_u128(0xf1));

/// The secret of an address of Bob's that holds for so long.
fn address(world: &World, lasting: TimeDelta) -> secrecy::SecretString {
    let secret = download_secret().unwrap();
    let download = ChatFileDownload {
        token_hash: secret.hash,
        file_id: FILE,
        user_id: BOB,
        expires_at: DateTime::UNIX_EPOCH + lasting,
    };
    world.store.state().chat_file_downloads.push(download);
    secret.text
}

#[tokio::test]
async fn an_address_lets_its_person_read_files_and_nothing_else() {
    let world = world().await;
    let secret = address(&world, TimeDelta::minutes(1));
    let opened = download_open(&world.auth, &secret, None).await;
    let (store, file) = opened.unwrap();
    assert_eq!((store.user_id(), file), (BOB, FILE));
    let of_bob = |resource| Object::new(resource).in_org(ORG.0).owner(BOB.0);
    let may = |action, object: Object| store.subject().allows(action, &object);
    assert!(may(Action::Read, of_bob(ResourceType::ChatFile)));
    assert!(!may(Action::Update, of_bob(ResourceType::Chat)));
    assert!(!may(Action::Read, Object::user(BOB.0)));
}

#[tokio::test]
async fn an_address_leads_nowhere_once_it_is_over_or_its_person_is() {
    let world = world().await;
    let good = address(&world, TimeDelta::minutes(1));
    let over = address(&world, TimeDelta::zero());
    let check = async |secret: &str, expected: Option<AuthError>| {
        let opened = download_open(&world.auth, &secret.into(), None).await;
        let found = opened.err().map(|error| error.to_string());
        assert_eq!(found, expected.map(|error| error.to_string()), "{secret}");
    };
    let missing = || Some(AuthError::Store(store::StoreError::NotFound));
    check(good.expose_secret(), None).await;
    check(over.expose_secret(), missing()).await;
    check("", missing()).await;
    check(&good.expose_secret().to_lowercase(), missing()).await;
    let status = |status| {
        let mut state = world.store.state();
        let bob = state.users.iter_mut().find(|user| user.id == BOB);
        bob.unwrap().status = status;
    };
    status(UserStatus::Suspended);
    check(good.expose_secret(), Some(AuthError::Suspended)).await;
    status(UserStatus::Active);
    check(good.expose_secret(), None).await;
    world.store.state().users.retain(|user| user.id == ANN);
    check(good.expose_secret(), Some(AuthError::Invalid)).await;
}
