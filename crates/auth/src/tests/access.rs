//! Access while it lasts: who is told that theirs has ended or changed, when, and at what cost.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use model::{api_keys::ApiKey, users::UserStatus};
use rbac::{Action, Object};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{ANN, BOB, ORG, World, world};
use crate::{AccessGuard, AccessHint, AuthError, Caller, Revoked, caller_renew};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3_600);
/// A pause that many of fit into a test.
const OFTEN: Duration = Duration::from_millis(5);

/// Ends the hub's task with the test.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A world whose hub looks by itself with these pauses, Ann and Bob.
async fn watching(every: Duration) -> (World, Running, [Caller; 2]) {
    let world = world().await;
    let running = Running(tokio::spawn(world.auth.access.clone().run(every)));
    let mut callers = Vec::new();
    for id in [ANN, BOB] {
        let token = world.sign_in(id).await;
        callers.push(world.caller(&token).await);
    }
    (world, running, callers.try_into().unwrap())
}

impl World {
    fn watch(&self, caller: &Caller) -> AccessGuard {
        self.auth.access.watch(caller)
    }

    fn hint(&self, subject: Uuid) {
        self.auth.access.hint(AccessHint::Subject(subject));
    }

    fn suspend(&self, status: UserStatus) {
        let mut state = self.store.state();
        let ann = state.users.iter_mut().find(|user| user.id == ANN);
        ann.unwrap().status = status;
    }

    /// How often it was asked how keys stand.
    fn looks(&self) -> usize {
        let calls = self.store.calls();
        let looks = calls.iter().filter(|name| **name == "key_standing_list");
        looks.count()
    }

    /// Waits until so many more looks were taken.
    async fn looked(&self, more: usize) {
        let enough = self.looks() + more;
        let looked = async {
            while self.looks() < enough {
                tokio::time::sleep(OFTEN).await;
            }
        };
        soon(looked).await;
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(20), work).await;
    done.expect("it came in time")
}

/// Something that happens in a world.
type Happens = fn(&World);

/// Everything that ends Ann's access, and why she is told it did.
const ENDS: [(Happens, Revoked); 4] = [
    (
        |world| world.suspend(UserStatus::Suspended),
        Revoked::Suspended,
    ),
    (
        |world| {
            let keys = &mut world.store.state().keys;
            keys.retain(|(key, _)| key.user_id != ANN);
        },
        Revoked::Gone,
    ),
    (
        |world| world.store.state().users.retain(|user| user.id != ANN),
        Revoked::Gone,
    ),
    (
        |world| {
            let mut state = world.store.state();
            let past = state.now - TimeDelta::seconds(1);
            let keys = state.keys.iter_mut().map(|(key, _)| key);
            keys.filter(|key| key.user_id == ANN)
                .for_each(|key| key.expires_at = past);
        },
        Revoked::Expired,
    ),
];

#[tokio::test]
async fn whatever_ends_access_is_told_to_whom_it_concerns() {
    for (end, reason) in ENDS {
        for hinted in [true, false] {
            let every = if hinted { NEVER } else { OFTEN };
            let (world, _running, [ann, bob]) = watching(every).await;
            let (mut guard, other) = (world.watch(&ann), world.watch(&bob));
            assert_eq!(guard.standing(), Ok(()));
            end(&world);
            if hinted {
                world.hint(ANN.0);
            }
            assert_eq!(soon(guard.revoked()).await, reason);
            assert_eq!(guard.changed().await, Err(reason));
            assert_eq!(guard.standing(), Err(reason));
            // The next request is answered the same.
            let again = caller_renew(&world.auth, &ann).await.unwrap_err();
            assert_eq!(again.message(), AuthError::from(reason).message());
            assert_eq!(other.revoked().now_or_never(), None);
            assert_eq!(world.auth.access.size().1, 1, "only Bob is watched");
        }
    }
}

#[tokio::test]
async fn what_is_heard_between_authentication_and_watch_is_not_lost() {
    let hear: [Happens; 3] = [
        |world| world.hint(ANN.0),
        |world| world.auth.access.hint(AccessHint::Everybody),
        |world| {
            world.hint(ANN.0);
            // More than is kept apart.
            (0..3_000).for_each(|other| world.hint(Uuid::from_u128(0xf000 + other)));
        },
    ];
    for hear in hear {
        let (world, _running, [ann, bob]) = watching(NEVER).await;
        world.suspend(UserStatus::Suspended);
        hear(&world);
        // The hub has taken the hints, and nobody was watched.
        let other = world.watch(&bob);
        world.auth.access.hint(AccessHint::Everybody);
        world.looked(1).await;
        let guard = world.watch(&ann);
        assert_eq!(soon(guard.revoked()).await, Revoked::Suspended);
        assert_eq!(other.standing(), Ok(()));
    }
}

#[tokio::test]
async fn hints_about_others_cost_nothing_and_an_organizations_hint_is_its_members() {
    let (world, _running, [ann, bob]) = watching(NEVER).await;
    let (_ann, mut guard) = (world.watch(&ann), world.watch(&bob));
    world.hint(Uuid::from_u128(0xdead));
    world.hint(ANN.0);
    world.looked(1).await;
    assert_eq!(world.looks(), 1);
    // Bob is in the organization, Ann is not.
    world.hint(ORG.0);
    world.looked(1).await;
    assert_eq!(guard.standing(), Ok(()));
    assert_eq!(guard.changed().now_or_never(), None, "nothing changed");
}

#[tokio::test]
async fn a_change_of_rights_is_told_once_and_the_caller_can_be_judged_anew() {
    let (world, _running, [ann, _]) = watching(NEVER).await;
    let mut guard = world.watch(&ann);
    let may = |caller: &Caller| {
        let log = Object::audit_log(None);
        caller.store.subject().allows(Action::Read, &log)
    };
    assert!(!may(&ann));
    assert_eq!(guard.changed().now_or_never(), None);
    let give = |roles: &[&str]| {
        let mut state = world.store.state();
        let ann = state.users.iter_mut().find(|user| user.id == ANN).unwrap();
        ann.roles = roles.iter().map(ToString::to_string).collect();
    };
    for (roles, allowed) in [(&["auditor"][..], true), (&[], false)] {
        give(roles);
        world.hint(ANN.0);
        assert_eq!(soon(guard.changed()).await, Ok(()));
        assert_eq!(guard.changed().now_or_never(), None);
        assert_eq!(guard.revoked().now_or_never(), None);
        let renewed = caller_renew(&world.auth, &ann).await.unwrap();
        assert_eq!(may(&renewed), allowed);
        assert!(!may(&ann), "the old caller keeps the old rights");
    }
}

#[tokio::test]
async fn somebody_let_in_again_is_not_turned_away_with_those_before() {
    let (world, _running, [ann, _]) = watching(NEVER).await;
    let before = world.watch(&ann);
    world.suspend(UserStatus::Suspended);
    world.hint(ANN.0);
    assert_eq!(soon(before.revoked()).await, Revoked::Suspended);
    world.suspend(UserStatus::Active);
    let ann = caller_renew(&world.auth, &ann).await.unwrap();
    let (after, other) = (world.watch(&ann), world.watch(&ann));
    assert_eq!(after.standing(), Ok(()));
    assert_eq!(world.auth.access.size(), (1, 2));
    drop(before);
    assert_eq!(world.auth.access.size(), (1, 2));
    drop(other);
    assert_eq!(world.auth.access.size(), (1, 1));
    drop(after);
    assert_eq!(world.auth.access.size(), (0, 0));
}

#[tokio::test]
async fn a_thousand_guards_are_one_question_and_leave_nothing_behind() {
    let (world, _running, [ann, bob]) = watching(NEVER).await;
    {
        let mut state = world.store.state();
        let (known, hash) = state.keys[0].clone();
        for number in 0..1_000 {
            let key = ApiKey {
                id: format!("key-{number}"),
                user_id: if number % 2 == 0 { ANN } else { BOB },
                ..known.clone()
            };
            state.keys.push((key, hash));
        }
    }
    let guards: Vec<AccessGuard> = (0..1_000)
        .map(|number| {
            let owner = if number % 2 == 0 { &ann } else { &bob };
            let key_id = format!("key-{number}");
            world.watch(&Caller {
                key_id,
                ..owner.clone()
            })
        })
        .collect();
    assert_eq!(world.auth.access.size(), (1_000, 1_000));
    world.auth.access.hint(AccessHint::Everybody);
    world.looked(1).await;
    assert_eq!(world.looks(), 1);
    world.suspend(UserStatus::Suspended);
    world.hint(ANN.0);
    for (number, guard) in guards.iter().enumerate() {
        if number % 2 == 0 {
            assert_eq!(soon(guard.revoked()).await, Revoked::Suspended);
        } else {
            assert_eq!(guard.standing(), Ok(()));
        }
    }
    assert_eq!((world.looks(), world.auth.access.size()), (2, (500, 500)));
    drop(guards);
    assert_eq!(world.auth.access.size(), (0, 0));
}
