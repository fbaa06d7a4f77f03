//! Caps in the ledger: user caps and subscription caps beside budgets, what is included, and counting anew.

use db::{Database, local::LocalRole};
use model::{
    LeaseId, Micros, OrganizationId, UserId,
    caps::{BlockedCap, CapScope, CapStanding},
    spend::{Extend, ExtendOutcome, LedgerAnswer, LedgerOp, LimitKind, ReserveOutcome, SpendState},
};
use tokio_postgres::Client;

use crate::{
    ledger::{
        Held, admit, batch, held, lease, release, request, reserve, settle, settlement, spend,
        sweep,
    },
    ledger_report::{report, reported},
    support::{TestDb, World, begin, id, new_user, read},
};

/// An organization whose people have no budget.
pub(crate) struct Capped {
    pub(crate) db: TestDb,
    pub(crate) store: Database,
    pub(crate) organization: OrganizationId,
    pub(crate) lease: LeaseId,
    owner: Client,
}

impl Capped {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new().await;
        let store = db.store().await;
        let world = World::new(&store, None).await;
        let owner = db.client(LocalRole::Owner).await;
        owner
            .batch_execute("SET bursar.actor_name = 'test'")
            .await
            .unwrap();
        Self {
            lease: lease(&store).await,
            organization: world.organization,
            owner,
            store,
            db,
        }
    }

    pub(crate) const fn scope(&self) -> CapScope {
        CapScope::Organization(self.organization)
    }

    /// Somebody in the organization who has spent so much.
    pub(crate) async fn person(&self, spent: i64) -> UserId {
        let name = format!("u{}", id().simple().to_string().split_off(18));
        let user = new_user(&name, &[self.organization]);
        let mut unit = begin(&self.store).await;
        unit.user_create(&user).await.unwrap();
        unit.commit().await.unwrap();
        if spent > 0 {
            self.spend(user.id, spent).await;
        }
        user.id
    }

    async fn spend(&self, user: UserId, amount: i64) {
        let amount_u64 = u64::try_from(amount).unwrap();
        let held = admit(&self.store, &request(user, self.lease, 0, amount_u64)).await;
        settle(&self.store, &settlement(held, amount_u64, Some(amount))).await;
    }

    pub(crate) async fn sql(&self, text: &str) {
        self.owner.batch_execute(text).await.unwrap();
    }

    /// Sets the flat cap, the subscription's cap and what is included; `None` is not set.
    pub(crate) async fn caps(&self, scope: CapScope, caps: [Option<i64>; 2], included: i64) {
        let text = |cap: Option<i64>| cap.map_or("NULL".to_owned(), |cap| cap.to_string());
        let organization = scope
            .organization()
            .map_or("NULL".to_owned(), |id| format!("'{id}'"));
        let [flat, all] = caps.map(text);
        let [flat_on, all_on] = caps.map(|cap| cap.is_some());
        self.sql(&format!(
            "INSERT INTO subscription_budget_caps (scope_id, organization_id, flat_user_cap_micros, \
                flat_user_cap_enabled, subscription_cap_micros, subscription_cap_enabled, included_micros) \
             VALUES ('{}', {organization}, {flat}, {flat_on}, {all}, {all_on}, {included}) \
             ON CONFLICT (scope_id) DO UPDATE SET flat_user_cap_micros = {flat}, flat_user_cap_enabled = {flat_on}, \
                subscription_cap_micros = {all}, subscription_cap_enabled = {all_on}, included_micros = {included}",
            scope.id()
        ))
        .await;
    }

    async fn own(&self, user: UserId, cap: i64) {
        self.sql(&format!(
            "INSERT INTO user_budget_cap_overrides (scope_id, user_id, cap_micros, enabled) \
             VALUES ('{}', '{user}', {cap}, true) \
             ON CONFLICT (scope_id, user_id) DO UPDATE SET cap_micros = {cap}",
            self.scope().id()
        ))
        .await;
    }

    async fn without_caps(&self) {
        self.sql("DELETE FROM subscription_budget_caps").await;
    }

    /// Where a person stands, of a ledger that balances.
    pub(crate) async fn standing(&self, scope: CapScope, user: UserId) -> CapStanding {
        let mut unit = read(&self.store).await;
        assert_eq!(unit.ledger_verify().await.unwrap(), []);
        let found = unit.cap_standing_list(scope, &[user]).await.unwrap();
        found[0]
    }

    /// What all have spent and hold beyond what is included.
    pub(crate) async fn all(&self, scope: CapScope) -> (i64, i64) {
        let nobody = UserId(id());
        let all = self.standing(scope, nobody).await.subscription.unwrap();
        (all.spent.0, all.reserved.0)
    }
}

fn blocked(outcome: &ReserveOutcome) -> Option<SpendState> {
    match outcome {
        ReserveOutcome::Admitted { .. } => None,
        ReserveOutcome::Refused(state) => Some(*state),
        other => panic!("{other:?}"),
    }
}

/// The flat cap and the person's own; what is included; what is spent; what blocks one more.
type Row = ([Option<i64>; 2], i64, i64, Option<BlockedCap>);

#[tokio::test]
async fn a_user_cap_blocks_at_the_greater_of_itself_and_what_is_included() {
    let it = Capped::new().await;
    let (flat, own) = (BlockedCap::FlatUser, BlockedCap::UserOverride);
    let rows: [Row; 10] = [
        ([Some(10), None], 24, 23, None),
        ([Some(10), None], 24, 24, Some(flat)),
        ([Some(0), None], 24, 23, None),
        ([Some(0), None], 24, 24, Some(flat)),
        ([Some(50), None], 24, 49, None),
        ([Some(50), None], 24, 50, Some(flat)),
        ([Some(10), Some(100)], 0, 60, None),
        ([Some(10), Some(100)], 0, 100, Some(own)),
        ([Some(50), Some(5)], 8, 7, None),
        ([Some(50), Some(5)], 8, 8, Some(own)),
    ];
    for ([cap, other], included, spent, expected) in rows {
        it.without_caps().await;
        let (ann, bob) = (it.person(spent).await, it.person(0).await);
        it.caps(it.scope(), [cap, None], included).await;
        if let Some(other) = other {
            it.own(ann, other).await;
        }
        let row = format!("{cap:?} {other:?} {included} {spent}");
        let standing = it.standing(it.scope(), ann).await;
        assert_eq!(standing.blocked, expected, "{row}");
        assert_eq!(standing.spent, Micros(spent), "{row}");
        let state = blocked(&reserve(&it.store, &request(ann, it.lease, 0, 1)).await);
        let cap = state.as_ref().map(|state| *state.blocked_cap().unwrap());
        assert_eq!(cap.map(|cap| cap.cap), expected, "{row}");
        if let Some(cap) = cap {
            let amount = other.or(standing.user_cap.map(|(cap, _)| cap.0));
            assert_eq!((Some(cap.amount.0), cap.blocks), (amount, true), "{row}");
            assert_eq!((cap.scope, cap.used.spent.0), (it.scope(), spent), "{row}");
            assert_eq!(state.unwrap().blocked_by, Some(LimitKind::UserCap));
        }
        // Nobody else is concerned.
        admit(&it.store, &request(bob, it.lease, 0, 1)).await;
        assert_eq!(it.standing(it.scope(), bob).await.blocked, None, "{row}");
    }
}

#[tokio::test]
async fn a_subscriptions_cap_leaves_everybody_what_is_included() {
    let it = Capped::new().await;
    let (ann, bob) = (it.person(100).await, it.person(40).await);
    it.caps(it.scope(), [None, Some(0)], 100).await;
    assert_eq!(it.all(it.scope()).await, (0, 0));
    let state = blocked(&reserve(&it.store, &request(ann, it.lease, 0, 1)).await).unwrap();
    assert_eq!(
        (state.blocked_by, state.blocked_scope),
        (Some(LimitKind::Subscription), Some(it.scope()))
    );
    let standing = async |user| it.standing(it.scope(), user).await.blocked;
    assert_eq!(standing(ann).await, Some(BlockedCap::Subscription));
    assert_eq!(standing(bob).await, None);
    let rest = admit(&it.store, &request(bob, it.lease, 0, 60)).await;
    assert_eq!(it.all(it.scope()).await, (0, 0));
    let more = reserve(&it.store, &request(bob, it.lease, 0, 1)).await;
    assert!(matches!(more, ReserveOutcome::Wait { .. }), "{more:?}");
    settle(&it.store, &settlement(rest, 60, Some(60))).await;
    assert_eq!(standing(bob).await, Some(BlockedCap::Subscription));
    // What is included and used counts for nothing, also under a cap that is small.
    it.caps(it.scope(), [None, Some(1)], 100).await;
    admit(&it.store, &request(ann, it.lease, 0, 1)).await;
    assert_eq!(it.all(it.scope()).await, (0, 1));
}

#[tokio::test]
async fn a_cap_that_is_reached_exactly_blocks_until_it_is_raised_on_every_server() {
    let it = Capped::new().await;
    let ann = it.person(0).await;
    it.caps(it.scope(), [None, Some(10)], 0).await;
    it.spend(ann, 10).await;
    let other = it.db.store().await;
    for store in [&it.store, &other] {
        assert!(blocked(&reserve(store, &request(ann, it.lease, 0, 1)).await).is_some());
    }
    it.caps(it.scope(), [None, Some(11)], 0).await;
    let one = admit(&other, &request(ann, it.lease, 0, 1)).await;
    release(&it.store, one).await;
    // The same of one's own cap.
    it.own(ann, 10).await;
    assert!(blocked(&reserve(&other, &request(ann, it.lease, 0, 1)).await).is_some());
    it.own(ann, 11).await;
    admit(&other, &request(ann, it.lease, 0, 1)).await;
}

#[tokio::test]
async fn what_is_partly_included_moves_the_subscription_partly() {
    let it = Capped::new().await;
    let ann = it.person(0).await;
    it.caps(it.scope(), [None, Some(10)], 24).await;
    let first = admit(&it.store, &request(ann, it.lease, 0, 30)).await;
    assert_eq!(it.all(it.scope()).await, (0, 6));
    settle(&it.store, &settlement(first, 26, Some(26))).await;
    assert_eq!(it.all(it.scope()).await, (2, 0));
    let state = spend(&it.store, ann).await;
    assert_eq!(state.caps.iter().flatten().count(), 1);
    // Held more, but not beyond what is left for all.
    let bob = it.person(0).await;
    let open = admit(&it.store, &request(bob, it.lease, 0, 20)).await;
    let more = async |Held { id, account }, hold| {
        let hold = Micros(hold);
        let mut done = batch(&it.store, &[LedgerOp::Extend(Extend { id, account, hold })]).await;
        match done.answers.remove(0) {
            LedgerAnswer::Extended(outcome) => *outcome,
            other => panic!("{other:?}"),
        }
    };
    let hold = Micros(32);
    assert_eq!(more(open, 32).await, ExtendOutcome::Extended { hold });
    assert_eq!(it.all(it.scope()).await, (2, 8));
    let ExtendOutcome::Refused(state) = more(open, 33).await else {
        panic!("not refused")
    };
    assert_eq!(state.blocked_cap().unwrap().cap, BlockedCap::Subscription);
    release(&it.store, open).await;
    assert_eq!(it.all(it.scope()).await, (2, 0));
    // A dead server's reservation, and the truth that comes later.
    let lost = admit(&it.store, &request(bob, LeaseId(id()), 0, 30)).await;
    assert_eq!(sweep(&it.store).await.len(), 3);
    assert_eq!(it.all(it.scope()).await, (8, 0));
    settle(&it.store, &settlement(lost, 25, Some(25))).await;
    assert_eq!(it.all(it.scope()).await, (3, 0));
    // What was spent elsewhere is charged and marked.
    let told = reported(&it.store, report(ann, Some(8))).await;
    assert_eq!(told.passed, Some(LimitKind::Subscription));
    assert_eq!(it.all(it.scope()).await, (11, 0));
}

#[tokio::test]
async fn an_organizations_caps_count_what_is_charged_there_and_the_deployments_all() {
    let it = Capped::new().await;
    let ann = it.person(5).await;
    let alone = new_user("alone", &[]);
    let mut unit = begin(&it.store).await;
    unit.user_create(&alone).await.unwrap();
    unit.commit().await.unwrap();
    it.spend(alone.id, 7).await;
    it.caps(it.scope(), [Some(100), Some(100)], 0).await;
    it.caps(CapScope::Instance, [Some(20), Some(30)], 0).await;
    assert_eq!(it.all(it.scope()).await, (5, 0));
    assert_eq!(it.all(CapScope::Instance).await, (12, 0));
    admit(&it.store, &request(ann, it.lease, 0, 10)).await;
    assert_eq!(it.all(it.scope()).await, (5, 10));
    assert_eq!(it.all(CapScope::Instance).await, (12, 10));
    // Both caps of the deployment are in the way; the person's is the first.
    let state = blocked(&reserve(&it.store, &request(alone.id, it.lease, 30, 0)).await).unwrap();
    let first = state.blocked_cap().unwrap();
    assert_eq!(
        (first.cap, first.scope, first.amount),
        (BlockedCap::FlatUser, CapScope::Instance, Micros(20))
    );
    let in_the_way = state.caps.iter().flatten().filter(|cap| cap.blocks);
    let in_the_way: Vec<BlockedCap> = in_the_way.map(|cap| cap.cap).collect();
    assert_eq!(in_the_way, [BlockedCap::FlatUser, BlockedCap::Subscription]);
    // Where nothing is set, nothing is counted.
    it.without_caps().await;
    let standing = it.standing(it.scope(), ann).await;
    assert_eq!((standing.spent.0, standing.reserved.0), (5, 10));
    assert_eq!((standing.user_cap, standing.subscription), (None, None));
    it.spend(ann, 3).await;
    let left = "SELECT coalesce(max(spent_micros), 0)::bigint FROM spend_counters \
        WHERE limit_kind NOT IN ('user', 'pool')";
    let left: i64 = it.owner.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, 12, "what is left is nobody's");
    let mut unit = read(&it.store).await;
    assert_eq!(unit.ledger_verify().await.unwrap(), []);
    // What begins again is counted anew.
    it.caps(it.scope(), [Some(100), Some(100)], 0).await;
    assert_eq!(it.all(it.scope()).await, (8, 10));
}

#[tokio::test]
async fn caps_persist_and_counters_begin_anew_with_the_period() {
    let it = Capped::new().await;
    let ann = it.person(0).await;
    it.caps(it.scope(), [Some(100), Some(100)], 3).await;
    it.spend(ann, 90).await;
    let late = admit(&it.store, &request(ann, it.lease, 0, 10)).await;
    it.db.shift_time("40 days").await;
    let standing = it.standing(it.scope(), ann).await;
    assert_eq!((standing.spent.0, standing.reserved.0), (0, 0));
    assert_eq!(standing.user_cap.unwrap().0, Micros(100));
    admit(&it.store, &request(ann, it.lease, 0, 100)).await;
    // What began in the old period counts there.
    settle(&it.store, &settlement(late, 10, Some(10))).await;
    let standing = it.standing(it.scope(), ann).await;
    assert_eq!((standing.spent.0, standing.reserved.0), (0, 100));
    assert_eq!(it.all(it.scope()).await, (0, 97));
    // Another period, and what is included changes: all is counted anew.
    it.sql("UPDATE ai_budget_settings SET period = 'quarter'")
        .await;
    it.caps(it.scope(), [Some(100), Some(100)], 50).await;
    assert_eq!(it.all(it.scope()).await, (0, 50));
}

#[tokio::test]
async fn who_waits_under_a_cap_is_told_when_room_comes_free() {
    let it = Capped::new().await;
    let (ann, bob) = (it.person(0).await, it.person(0).await);
    it.caps(it.scope(), [None, Some(10)], 5).await;
    let first = admit(&it.store, &request(ann, it.lease, 0, 15)).await;
    let asked = request(bob, it.lease, 0, 14);
    let outcome = reserve(&it.store, &asked).await;
    let ReserveOutcome::Wait { limits, state } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(state.blocked_by, Some(LimitKind::Subscription));
    // Nobody leaves room to who waits of what is included.
    let own = admit(&it.store, &request(bob, it.lease, 0, 5)).await;
    release(&it.store, own).await;
    let done = settlement(first, 6, Some(6));
    let wake = batch(&it.store, &[LedgerOp::Settle(Box::new(done))])
        .await
        .wake;
    assert_eq!(wake, limits);
    let taken = reserve(&it.store, &asked).await;
    assert!(held(&taken).is_some(), "{taken:?}");
}
