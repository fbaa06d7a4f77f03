//! What another request does between a question and the transaction that acts on its answer.

use std::sync::Arc;

use async_trait::async_trait;
use dbauthz::{
    Authorized,
    fake::{FakeStore, State},
};
use model::users::{PasswordHash, UserStatus};
use store::{ReadUnit, Store, StoreResult, WriteContext, WriteUnit};

use super::{ANN, PASSWORD, World, empty, user, world};
use crate::{FirstUser, LoginError, SetupError, first_user_create, login};

/// A store in which something happens just before each transaction.
#[derive(Debug)]
struct Meddled {
    store: FakeStore,
    meddle: fn(&mut State),
}

#[async_trait]
impl Store for Meddled {
    async fn read(&self) -> StoreResult<Box<dyn ReadUnit>> {
        self.store.read().await
    }

    async fn begin(&self, context: &WriteContext) -> StoreResult<Box<dyn WriteUnit>> {
        (self.meddle)(&mut self.store.state());
        self.store.begin(context).await
    }

    async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await
    }
}

fn meddled(mut world: World, meddle: fn(&mut State)) -> World {
    let store = world.store.clone();
    world.auth.authorized = Authorized::new(Arc::new(Meddled { store, meddle }));
    world
}

#[tokio::test]
async fn a_password_that_changes_while_it_is_verified_makes_no_session() {
    let check = async |meddle: fn(&mut State)| {
        let world = meddled(world().await, meddle);
        let error = login(&world.auth, "ann@example.com", PASSWORD, None)
            .await
            .unwrap_err();
        assert!(matches!(error, LoginError::Incorrect), "{error:?}");
        assert_eq!(world.key_ids().len(), 0);
    };
    check(|state| {
        let changed = PasswordHash("changed".to_owned());
        state.hashes.insert(ANN, changed);
    })
    .await;
    check(|state| state.users[0].status = UserStatus::Suspended).await;
    check(|state| state.users.clear()).await;
}

#[tokio::test]
async fn of_two_requests_that_race_one_makes_the_first_account() {
    let world = meddled(empty(), |state| {
        state.users.push(user(ANN, "ann", &["owner"]));
    });
    let first = FirstUser {
        email: "ada@example.com".parse().unwrap(),
        username: "ada".parse().unwrap(),
        name: String::new(),
        password: PASSWORD.into(),
    };
    let lost = first_user_create(&world.auth, first, None)
        .await
        .unwrap_err();
    assert!(matches!(lost, SetupError::AlreadyDone), "{lost:?}");
    assert_eq!(world.store.state().users.len(), 1);
    assert_eq!(world.store.state().organizations.len(), 0);
}
