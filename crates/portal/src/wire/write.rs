//! Writing caps.

use model::{Micros, caps::Cap};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::{Object, cap, nullable, read::Node};
use crate::{Malformation, PortalError, PortalFlatCap, PortalOverride, money, withheld::Withheld};

/// Sets the flat cap; the subscription's record is made if there is none.
pub(crate) const FLAT_CAP: &str = "mutation upsertBudgetCapSubscription\
($input: UpsertBudgetCapSubscriptionInput!) { upsertBudgetCapSubscription(input: $input) { \
subscriptionBudgetCap { subscriptionName flatUserCap flatUserCapEnabled } errors } }";

/// Sets overrides.
pub(crate) const OVERRIDES: &str = "mutation upsertUserBudgetCapsBulk\
($input: UpsertUserBudgetCapsBulkInput!) { upsertUserBudgetCapsBulk(input: $input) { \
userBudgetCapOverrides { entityId cap capEnabled selfManagedInstanceActivationId } errors } }";

#[derive(Serialize)]
pub(crate) struct Variables<I> {
    pub(crate) input: I,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlatCapInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_key: Option<&'a str>,
    #[serde(serialize_with = "money::as_number")]
    pub(crate) flat_user_cap: Micros,
    pub(crate) flat_user_cap_enabled: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OverridesInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unique_instance_id: Option<&'a str>,
    pub(crate) overrides: Vec<OverrideInput<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OverrideInput<'a> {
    entity_id: &'a str,
    #[serde(serialize_with = "money::as_number")]
    cap_amount: Micros,
    enabled: bool,
}

impl<'a> OverrideInput<'a> {
    /// A person's cap.
    pub(crate) fn new(entity_id: &'a str, cap: Cap) -> Self {
        Self {
            entity_id,
            cap_amount: cap.amount,
            enabled: cap.enabled,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlatCapData {
    #[serde(default)]
    upsert_budget_cap_subscription: Option<Object<FlatCapPayload>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatCapPayload {
    #[serde(default)]
    subscription_budget_cap: Option<Object<FlatCap>>,
    #[serde(deserialize_with = "messages")]
    errors: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatCap {
    #[serde(deserialize_with = "nullable")]
    subscription_name: Option<String>,
    flat_user_cap: Box<RawValue>,
    flat_user_cap_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OverridesData {
    #[serde(default)]
    upsert_user_budget_caps_bulk: Option<Object<OverridesPayload>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OverridesPayload {
    #[serde(default)]
    user_budget_cap_overrides: Option<Vec<Object<Node>>>,
    #[serde(deserialize_with = "messages")]
    errors: Vec<String>,
}

/// The errors of a payload: a list, which some servers leave null or write as one text.
fn messages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Messages {
        One(String),
        List(Vec<String>),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Messages::One(text)) if text.trim().is_empty() => Vec::new(),
        Some(Messages::One(text)) => vec![text],
        Some(Messages::List(texts)) => texts,
    })
}

impl FlatCapData {
    /// What the portal keeps now.
    pub(crate) fn stored(self, withheld: &Withheld) -> Result<PortalFlatCap, PortalError> {
        let Object(payload) = there(
            "upsertBudgetCapSubscription",
            self.upsert_budget_cap_subscription,
        )?;
        accepted(payload.errors, withheld)?;
        let Object(stored) = there("subscriptionBudgetCap", payload.subscription_budget_cap)?;
        Ok(PortalFlatCap {
            subscription_name: stored.subscription_name,
            cap: cap(
                "flatUserCap",
                &stored.flat_user_cap,
                stored.flat_user_cap_enabled,
            )?,
        })
    }
}

impl OverridesData {
    /// What the portal keeps now.
    pub(crate) fn stored(self, withheld: &Withheld) -> Result<Vec<PortalOverride>, PortalError> {
        let Object(payload) = there(
            "upsertUserBudgetCapsBulk",
            self.upsert_user_budget_caps_bulk,
        )?;
        accepted(payload.errors, withheld)?;
        let stored = there("userBudgetCapOverrides", payload.user_budget_cap_overrides)?;
        let overrides: Result<_, Malformation> =
            stored.into_iter().map(|node| node.0.over()).collect();
        Ok(overrides?)
    }
}

fn there<T>(field: &'static str, found: Option<T>) -> Result<T, Malformation> {
    found.ok_or(Malformation::NullField { field })
}

fn accepted(errors: Vec<String>, withheld: &Withheld) -> Result<(), PortalError> {
    if errors.is_empty() {
        return Ok(());
    }
    let errors = errors.into_iter().map(|text| withheld.text(text));
    Err(PortalError::Rejected(errors.collect()))
}
