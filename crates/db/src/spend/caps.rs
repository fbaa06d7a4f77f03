//! What is set as caps: fetched for many people at once, decided by `model::caps`.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join3;
use model::{
    Micros, OrganizationId, UserId,
    caps::{Cap, CapFailure, CapScope, CapSource, CapTrust, DisabledMode, user_cap},
};
use store::StoreResult;
use uuid::Uuid;

use super::sql;
use crate::{
    caps::cap,
    query::{Cached, rows},
};

/// What is set for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SubscriptionRow {
    pub(super) flat_user: Option<Cap>,
    pub(super) subscription: Option<Cap>,
    pub(super) included: Micros,
}

/// Everything that is set for some subscriptions and people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Caps {
    subscriptions: BTreeMap<Uuid, SubscriptionRow>,
    own: BTreeMap<(Uuid, UserId), (Cap, DisabledMode)>,
    /// Subscriptions whose caps do not hold: what is spent there is only counted.
    void: BTreeSet<Uuid>,
    /// Subscriptions of which it is not known what holds now, only what held once.
    unknown: BTreeSet<Uuid>,
}

impl Caps {
    /// What is set for a subscription, if anything is.
    pub(super) fn of(&self, scope: CapScope) -> Option<&SubscriptionRow> {
        self.subscriptions.get(&scope.id())
    }

    /// The subscriptions that spend in this organization counts under, its own first, with what is set for them.
    pub(super) fn under(
        &self,
        organization: Option<OrganizationId>,
    ) -> impl Iterator<Item = (CapScope, SubscriptionRow)> {
        scopes(organization).filter_map(|scope| Some((scope, *self.of(scope)?)))
    }

    /// Those of them whose caps hold, by what is known.
    pub(super) fn limiting(
        &self,
        organization: Option<OrganizationId>,
    ) -> impl Iterator<Item = (CapScope, SubscriptionRow)> {
        let under = self.under(organization);
        under.filter(|(scope, _)| self.holds(*scope))
    }

    /// Whether the caps of a subscription hold, where any are set.
    pub(super) fn holds(&self, scope: CapScope) -> bool {
        !self.void.contains(&scope.id())
    }

    /// The first subscription over spend in this organization of which it is not known what holds.
    pub(super) fn unknown(&self, organization: Option<OrganizationId>) -> Option<CapScope> {
        let mut scopes = scopes(organization);
        scopes.find(|scope| self.unknown.contains(&scope.id()))
    }

    /// The cap that holds for a person.
    pub(super) fn user_cap(&self, scope: CapScope, user: UserId) -> Option<(Micros, CapSource)> {
        if !self.holds(scope) {
            return None;
        }
        let flat = self.of(scope)?.flat_user;
        user_cap(flat, self.own.get(&(scope.id(), user)).copied())
    }

    /// Whether counting is the same: amounts may differ, but not what is counted.
    pub(super) fn counts_like(&self, other: &Self) -> bool {
        let counted = |caps: &Self| -> Vec<(Uuid, Micros, bool)> {
            let all = caps.subscriptions.iter();
            all.map(|(scope, row)| (*scope, row.included, row.subscription.is_some()))
                .collect()
        };
        counted(self) == counted(other)
    }
}

/// Under which subscriptions spend in an organization counts.
fn scopes(organization: Option<OrganizationId>) -> impl Iterator<Item = CapScope> {
    let own = organization.map(CapScope::Organization);
    own.into_iter().chain([CapScope::Instance])
}

#[derive(QueryableByName)]
struct CapsRow {
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    flat_user_cap_micros: Option<i64>,
    #[diesel(sql_type = Bool)]
    flat_user_cap_enabled: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    subscription_cap_micros: Option<i64>,
    #[diesel(sql_type = Bool)]
    subscription_cap_enabled: bool,
    #[diesel(sql_type = BigInt)]
    included_micros: i64,
}

impl From<&CapsRow> for SubscriptionRow {
    fn from(row: &CapsRow) -> Self {
        Self {
            flat_user: cap(row.flat_user_cap_micros, row.flat_user_cap_enabled),
            subscription: cap(row.subscription_cap_micros, row.subscription_cap_enabled),
            included: Micros(row.included_micros),
        }
    }
}

const CAPS: &str = "\
SELECT c.scope_id, c.flat_user_cap_micros, c.flat_user_cap_enabled, c.subscription_cap_micros, \
    c.subscription_cap_enabled, c.included_micros \
FROM unnest($1) AS k (scope_id) JOIN subscription_budget_caps AS c ON c.scope_id = k.scope_id";

#[derive(QueryableByName)]
struct OwnRow {
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = BigInt)]
    cap_micros: i64,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Bool)]
    inherits: bool,
}

const OWN: &str = "\
SELECT o.scope_id, o.user_id, o.cap_micros, o.enabled, o.disabled_mode = 'inherit' AS inherits \
FROM unnest($1) AS s (scope_id) CROSS JOIN unnest($2) AS u (user_id) \
JOIN user_budget_cap_overrides AS o ON o.scope_id = s.scope_id AND o.user_id = u.user_id";

#[derive(QueryableByName)]
struct MirrorRow {
    #[diesel(sql_type = SqlUuid)]
    scope_id: Uuid,
}

/// Those that were read a short while ago. One that was read in the future, before a clock was set back, is as old as any.
const MIRRORED: &str = "\
SELECT m.scope_id FROM unnest($1) AS k (scope_id) JOIN budget_cap_mirrors AS m ON m.scope_id = k.scope_id \
WHERE m.read_at BETWEEN bursar_now() - $2 * interval '1 millisecond' AND bursar_now()";

/// Which of these subscriptions have been read of late, where caps live elsewhere.
async fn mirrored(
    conn: &AsyncPgConnection,
    trust: Option<CapTrust>,
    scopes: &[Uuid],
) -> StoreResult<BTreeSet<Uuid>> {
    let Some(trust) = trust else {
        return Ok(BTreeSet::new());
    };
    let max_age = i64::try_from(trust.max_age.as_millis()).unwrap_or(i64::MAX);
    let mirrored = sql(MIRRORED)
        .bind::<Array<SqlUuid>, _>(scopes.to_vec())
        .bind::<BigInt, _>(max_age);
    let found: Vec<MirrorRow> = rows(conn, Cached(mirrored)).await?;
    Ok(found.iter().map(|row| row.scope_id).collect())
}

/// Of which of these subscriptions the caps do not hold, and of which it is not known what holds.
fn doubted(
    trust: Option<CapTrust>,
    scopes: &BTreeSet<CapScope>,
    mirrored: &BTreeSet<Uuid>,
) -> (BTreeSet<Uuid>, BTreeSet<Uuid>) {
    let (mut void, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    let Some(trust) = trust else {
        return (void, unknown);
    };
    for scope in scopes {
        match trust.failure {
            _ if !trust.covers(*scope) => void.insert(scope.id()),
            _ if mirrored.contains(&scope.id()) => continue,
            CapFailure::Open => void.insert(scope.id()),
            CapFailure::Closed => unknown.insert(scope.id()),
        };
    }
    (void, unknown)
}

/// What is set for these subscriptions and people now, in one round trip; none for no subscription.
pub(super) async fn read(
    conn: &AsyncPgConnection,
    trust: Option<CapTrust>,
    scopes: &BTreeSet<CapScope>,
    people: &[UserId],
) -> StoreResult<Caps> {
    if scopes.is_empty() {
        return Ok(Caps::default());
    }
    let ids: Vec<Uuid> = scopes.iter().map(|scope| scope.id()).collect();
    let people: Vec<Uuid> = people.iter().map(|user| user.0).collect();
    let caps = sql(CAPS).bind::<Array<SqlUuid>, _>(ids.clone());
    let own = sql(OWN)
        .bind::<Array<SqlUuid>, _>(ids.clone())
        .bind::<Array<SqlUuid>, _>(people);
    // How fresh they are is read before them: they may be newer than that says, but never older.
    let (mirrored, caps, own) = try_join3(
        mirrored(conn, trust, &ids),
        rows::<_, CapsRow>(conn, Cached(caps)),
        rows::<_, OwnRow>(conn, Cached(own)),
    )
    .await?;
    let subscription = |row: &CapsRow| (row.scope_id, SubscriptionRow::from(row));
    let person = |row: &OwnRow| {
        let cap = Cap {
            amount: Micros(row.cap_micros),
            enabled: row.enabled,
        };
        let mode = if row.inherits {
            DisabledMode::Inherit
        } else {
            DisabledMode::Exempt
        };
        ((row.scope_id, UserId(row.user_id)), (cap, mode))
    };
    let (void, unknown) = doubted(trust, scopes, &mirrored);
    Ok(Caps {
        void,
        unknown,
        subscriptions: caps.iter().map(subscription).collect(),
        own: own.iter().map(person).collect(),
    })
}
