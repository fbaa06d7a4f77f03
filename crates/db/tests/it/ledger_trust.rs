//! Caps that live elsewhere and are mirrored here: what is decided by them as long as they are known, and after.

use std::time::Duration;

use chrono::TimeDelta;
use db::{Database, local::LocalRole};
use model::{
    Clock, Micros, SystemClock, UserId,
    caps::{CapFailure, CapScope, CapTrust},
    spend::{
        Extend, ExtendOutcome, LedgerAnswer, LedgerOp, LockWait, ReserveOutcome, ReserveRequest,
    },
};
use store::Store;

use crate::{
    ledger::{Held, admit, batch, check_spend, held, request, reserve, settle, settlement},
    ledger_caps::Capped,
    ledger_waits::until_somebody_has_waited,
    support::{begin, context, id, new_user, read},
};

const CLOSED: CapTrust = CapTrust {
    max_age: Duration::from_secs(600),
    failure: CapFailure::Closed,
    instance: true,
    organizations: true,
};
const OPEN: CapTrust = CapTrust {
    failure: CapFailure::Open,
    ..CLOSED
};

/// When a subscription was read last.
#[derive(Debug, Clone, Copy)]
enum Mirror {
    /// Nobody knows of it.
    None,
    /// It is known and was not read yet.
    Never,
    /// So many seconds ago.
    Ago(i64),
}
use Mirror::{Ago, Never};

impl Capped {
    async fn mirror(&self, scope: CapScope, mirror: Mirror) {
        let organization = scope
            .organization()
            .map_or("NULL".to_owned(), |id| format!("'{id}'"));
        let (version, at) = match mirror {
            Mirror::None => {
                let gone = "DELETE FROM budget_cap_mirrors WHERE scope_id";
                return self.sql(&format!("{gone} = '{}'", scope.id())).await;
            }
            Never => ("NULL", "NULL".to_owned()),
            Ago(seconds) => (
                "0",
                format!("bursar_now() - {seconds} * interval '1 second'"),
            ),
        };
        self.sql(&format!(
            "INSERT INTO budget_cap_mirrors (scope_id, organization_id, read_version, read_at) \
             VALUES ('{}', {organization}, {version}, {at}) \
             ON CONFLICT (scope_id) DO UPDATE SET read_version = {version}, read_at = {at}",
            scope.id()
        ))
        .await;
    }

    /// Both subscriptions.
    async fn mirrors(&self, [own, all]: [Mirror; 2]) {
        self.mirror(self.scope(), own).await;
        self.mirror(CapScope::Instance, all).await;
    }

    fn trusting(&self, trust: CapTrust) -> Database {
        self.store.clone().with_cap_trust(trust)
    }
}

async fn extend(store: &Database, Held { id, account }: Held, hold: i64) -> ExtendOutcome {
    let hold = Micros(hold);
    let mut done = batch(store, &[LedgerOp::Extend(Extend { id, account, hold })]).await;
    match done.answers.remove(0) {
        LedgerAnswer::Extended(outcome) => *outcome,
        other => panic!("{other:?}"),
    }
}

const fn extended(hold: i64) -> ExtendOutcome {
    ExtendOutcome::Extended { hold: Micros(hold) }
}

/// What becomes of one who has reached the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    Refused,
    Admitted,
    Unknown(CapScope),
}

#[tokio::test]
async fn mirrored_caps_decide_as_long_as_they_are_known() {
    use Becomes::{Admitted, Refused, Unknown};
    let it = Capped::new().await;
    let (own, all) = (it.scope(), CapScope::Instance);
    let only = |instance, trust| CapTrust {
        instance,
        organizations: !instance,
        ..trust
    };
    let ann = it.person(0).await;
    it.mirrors([Ago(0), Ago(0)]).await;
    // Also where nobody has ever set a cap: that may be only because nothing was read yet.
    it.mirror(own, Never).await;
    let outcome = reserve(&it.trusting(CLOSED), &request(ann, it.lease, 0, 1)).await;
    assert_eq!(outcome, ReserveOutcome::CapsUnknown(own));
    it.caps(own, [Some(10), None], 0).await;
    it.caps(all, [None, None], 0).await;
    let rows = [
        (CLOSED, [Ago(0), Ago(0)], Refused),
        (CLOSED, [Ago(590), Ago(0)], Refused),
        (CLOSED, [Ago(601), Ago(0)], Unknown(own)),
        (CLOSED, [Ago(-60), Ago(0)], Unknown(own)),
        (CLOSED, [Never, Ago(0)], Unknown(own)),
        (CLOSED, [Mirror::None, Ago(0)], Unknown(own)),
        (CLOSED, [Ago(0), Ago(601)], Unknown(all)),
        (CLOSED, [Never, Never], Unknown(own)),
        (OPEN, [Ago(0), Never], Refused),
        (OPEN, [Ago(601), Ago(0)], Admitted),
        (OPEN, [Never, Ago(0)], Admitted),
        (OPEN, [Mirror::None, Mirror::None], Admitted),
        // What is not mirrored has no caps, whatever the tables say.
        (only(true, CLOSED), [Ago(0), Ago(0)], Admitted),
        (only(true, CLOSED), [Never, Ago(601)], Unknown(all)),
        (only(false, CLOSED), [Ago(0), Mirror::None], Refused),
        (only(false, CLOSED), [Ago(601), Ago(0)], Unknown(own)),
    ];
    for (trust, mirrors, expected) in rows {
        it.mirrors(mirrors).await;
        let (store, ann) = (it.trusting(trust), it.person(10).await);
        let outcome = reserve(&store, &request(ann, it.lease, 0, 1)).await;
        let row = format!("{trust:?} {mirrors:?}");
        let becomes = match outcome {
            ReserveOutcome::Admitted { .. } => Admitted,
            ReserveOutcome::CapsUnknown(scope) => Unknown(scope),
            ReserveOutcome::Refused(_) => Refused,
            ref other => panic!("{other:?}"),
        };
        assert_eq!(becomes, expected, "{row}");
        // Who is shown where they stand sees the same; what is not known is shown as it was last.
        let holds = expected != Admitted && trust.covers(own);
        let mut unit = read(&store).await;
        let standing = unit.cap_standing_list(own, &[ann]).await.unwrap()[0];
        assert_eq!(standing.blocked.is_some(), holds, "{row}");
        let shown = unit.spend_get(ann).await.unwrap().state.caps;
        assert_eq!(shown.iter().flatten().count() > 0, holds, "{row}");
        // It is counted all the same, and nothing is held for whoever was not admitted.
        let held_now = i64::from(expected == Admitted);
        check_spend(&it.store, ann, 10, held_now).await;
        let counted = it.standing(own, ann).await;
        assert_eq!(
            (counted.spent, counted.reserved),
            (Micros(10), Micros(held_now)),
            "{row}"
        );
        if let Some(held) = held(&outcome) {
            settle(&store, &settlement(held, 1, Some(1))).await;
            assert_eq!(it.standing(own, ann).await.spent, Micros(11), "{row}");
        }
    }
}

#[tokio::test]
async fn whose_caps_are_not_known_is_in_nobody_elses_way() {
    let it = Capped::new().await;
    let store = it.trusting(CapTrust {
        instance: false,
        ..CLOSED
    });
    it.caps(it.scope(), [Some(10), None], 0).await;
    it.mirror(it.scope(), Ago(0)).await;
    let ann = it.person(0).await;
    // In no organization.
    let bob = new_user("bob", &[]);
    let mut unit = begin(&store).await;
    unit.user_create(&bob).await.unwrap();
    unit.commit().await.unwrap();
    let [first, second] = [
        admit(&store, &request(ann, it.lease, 0, 3)).await,
        admit(&store, &request(ann, it.lease, 0, 3)).await,
    ];
    it.mirror(it.scope(), Ago(601)).await;
    let ask = |user: UserId| LedgerOp::Reserve(Box::new(request(user, it.lease, 0, 1)));
    let Held { id, account } = second;
    let hold = Micros(5);
    let ops = [
        ask(ann),
        ask(bob.id),
        LedgerOp::Settle(Box::new(settlement(first, 2, Some(2)))),
        LedgerOp::Extend(Extend { id, account, hold }),
        ask(ann),
    ];
    let answers = batch(&store, &ops).await.answers;
    let unknown = ReserveOutcome::CapsUnknown(it.scope());
    let unknown = LedgerAnswer::Reserved(Box::new(unknown));
    assert_eq!((&answers[0], &answers[4]), (&unknown, &unknown));
    let LedgerAnswer::Reserved(outcome) = &answers[1] else {
        panic!("{answers:?}")
    };
    assert!(held(outcome).is_some(), "{outcome:?}");
    let grown = LedgerAnswer::Extended(Box::new(extended(5)));
    assert_eq!(answers[3], grown);
    check_spend(&store, ann, 2, 5).await;
}

#[tokio::test]
async fn what_was_admitted_grows_by_what_was_known_last() {
    let it = Capped::new().await;
    it.caps(it.scope(), [Some(10), None], 0).await;
    it.mirrors([Ago(0), Ago(0)]).await;
    let (closed, open) = (it.trusting(CLOSED), it.trusting(OPEN));
    let ann = it.person(0).await;
    let one = admit(&closed, &request(ann, it.lease, 0, 5)).await;
    it.mirrors([Ago(601), Never]).await;
    assert_eq!(extend(&closed, one, 10).await, extended(10));
    let more = extend(&closed, one, 11).await;
    assert!(matches!(more, ExtendOutcome::Refused(_)), "{more:?}");
    // Where nothing holds that is not known, nothing of it stops what runs.
    assert_eq!(extend(&open, one, 11).await, extended(11));
    settle(&closed, &settlement(one, 11, Some(11))).await;
    check_spend(&it.store, ann, 11, 0).await;
}

#[tokio::test]
async fn who_waits_when_caps_become_unknown_is_kept_no_room() {
    let it = Capped::new().await;
    let store = it.trusting(CLOSED);
    it.caps(it.scope(), [None, Some(10)], 0).await;
    it.mirrors([Ago(0), Ago(0)]).await;
    let (ann, bob) = (it.person(0).await, it.person(0).await);
    admit(&store, &request(ann, it.lease, 0, 5)).await;
    // So long that others keep room for it.
    let asked = ReserveRequest {
        waiting_since: Some(SystemClock.now() - TimeDelta::seconds(10)),
        ..request(bob, it.lease, 0, 10)
    };
    let small = request(ann, it.lease, 0, 5);
    for request in [&asked, &small] {
        let waits = reserve(&store, request).await;
        assert!(matches!(waits, ReserveOutcome::Wait { .. }), "{waits:?}");
    }
    it.mirrors([Never, Ago(0)]).await;
    let unknown = ReserveOutcome::CapsUnknown(it.scope());
    assert_eq!(reserve(&store, &asked).await, unknown);
    it.mirrors([Ago(0), Ago(0)]).await;
    admit(&store, &small).await;
}

/// A request under a cap that is reached, which waits for its locks while caps are read, or become old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caps_that_are_read_while_a_batch_waits_decide_about_it() {
    for (before, after) in [(Ago(601), Ago(0)), (Ago(0), Never)] {
        let it = Capped::new().await;
        let store = it.trusting(CLOSED);
        it.caps(it.scope(), [Some(10), None], 0).await;
        it.mirrors([before, Ago(0)]).await;
        let ann = it.person(10).await;
        let mut locker = it.db.client(LocalRole::Owner).await;
        let lock = locker.transaction().await.unwrap();
        lock.batch_execute("SELECT FROM spend_counters FOR UPDATE")
            .await
            .unwrap();
        let asked = LedgerOp::Reserve(Box::new(request(ann, it.lease, 0, 1)));
        let waiting = tokio::spawn(async move {
            let mut unit = store.begin_batch(&context()).await.unwrap();
            let mut batch = unit.ledger_batch(&[asked], LockWait::Long).await.unwrap();
            unit.commit().await.unwrap();
            batch.answers.remove(0)
        });
        until_somebody_has_waited(&it.db.client(LocalRole::App).await).await;
        it.mirrors([after, Ago(0)]).await;
        lock.commit().await.unwrap();
        let LedgerAnswer::Reserved(outcome) = waiting.await.unwrap() else {
            panic!("no reservation")
        };
        match after {
            Never => assert_eq!(*outcome, ReserveOutcome::CapsUnknown(it.scope())),
            _ => assert!(
                matches!(*outcome, ReserveOutcome::Refused(_)),
                "{outcome:?}"
            ),
        }
    }
}

#[tokio::test]
async fn caps_that_live_here_are_trusted_whatever_was_mirrored() {
    let it = Capped::new().await;
    it.caps(it.scope(), [Some(10), None], 0).await;
    it.mirrors([Never, Never]).await;
    let ann = it.person(9).await;
    admit(&it.store, &request(ann, it.lease, 0, 1)).await;
    let more = reserve(&it.store, &request(ann, it.lease, 0, 2)).await;
    assert!(matches!(more, ReserveOutcome::Refused(_)), "{more:?}");
    let other = UserId(id());
    assert_eq!(it.standing(it.scope(), other).await.blocked, None);
}
