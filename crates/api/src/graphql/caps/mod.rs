//! Caps and usage of subscriptions.
//!
//! A subscription is an organization's, which `namespacePath` names, or without it the whole deployment's. Names,
//! arguments and nullability are those that existing clients know; what is added is beside them.

mod blocked;
mod budget_caps;
mod flat_upsert;
mod mine;
mod override_delete;
mod override_upsert;
mod overrides;
mod payload;
mod people;
mod scope;
mod subscription_upsert;
mod usage;
mod users;

use async_graphql::MergedObject;

pub(super) use blocked::Said;
pub(super) use users::User;

/// What may be asked of caps.
#[derive(Debug, Default, MergedObject)]
pub(super) struct CapsQuery(usage::UsageQuery, mine::MineQuery);

/// What may be changed of caps.
#[derive(Debug, Default, MergedObject)]
pub(super) struct CapsMutation(
    flat_upsert::FlatUpsert,
    override_upsert::OverrideUpsert,
    override_delete::OverrideDelete,
    subscription_upsert::SubscriptionUpsert,
);
