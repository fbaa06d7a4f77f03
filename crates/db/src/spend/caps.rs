//! What is set as caps: fetched for many people at once, decided by `model::caps`.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    Micros, OrganizationId, UserId,
    caps::{Cap, CapScope, CapSource, DisabledMode, user_cap},
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
        let own = organization.map(CapScope::Organization);
        let scopes = own.into_iter().chain([CapScope::Instance]);
        scopes.filter_map(|scope| Some((scope, *self.of(scope)?)))
    }

    /// The cap that holds for a person.
    pub(super) fn user_cap(&self, scope: CapScope, user: UserId) -> Option<(Micros, CapSource)> {
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

/// What is set for these subscriptions and people now, in one round trip; none for no subscription.
pub(super) async fn read(
    conn: &AsyncPgConnection,
    scopes: &BTreeSet<CapScope>,
    people: &[UserId],
) -> StoreResult<Caps> {
    if scopes.is_empty() {
        return Ok(Caps::default());
    }
    let scopes: Vec<Uuid> = scopes.iter().map(|scope| scope.id()).collect();
    let people: Vec<Uuid> = people.iter().map(|user| user.0).collect();
    let caps = sql(CAPS).bind::<Array<SqlUuid>, _>(scopes.clone());
    let own = sql(OWN)
        .bind::<Array<SqlUuid>, _>(scopes)
        .bind::<Array<SqlUuid>, _>(people);
    let (caps, own) = try_join(
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
    Ok(Caps {
        subscriptions: caps.iter().map(subscription).collect(),
        own: own.iter().map(person).collect(),
    })
}
