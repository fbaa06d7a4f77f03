//! Reading caps.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Id, Object, cap, nullable, optional_cap};
use crate::{Malformation, PortalOverride, PortalSubscriptionCaps};

/// Caps of a subscription and a page of its overrides.
pub(crate) const DOCUMENT: &str = "query budgetCaps($namespaceId: ID, $licenseKey: String, \
$entityIds: [String!], $first: Int, $last: Int, $after: String, $before: String) { \
subscription(namespaceId: $namespaceId, licenseKey: $licenseKey) { budgetControls { \
subscription { subscriptionName subscriptionCap subscriptionCapEnabled flatUserCap flatUserCapEnabled } \
userBudgetCapOverrides(entityIds: $entityIds, first: $first, last: $last, after: $after, before: $before) { \
nodes { entityId cap capEnabled selfManagedInstanceActivationId createdAt updatedAt } \
pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }";

/// The variables that are used; there are more, which go unsaid.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variables<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entity_ids: Option<&'a [String]>,
    pub(crate) first: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<&'a str>,
}

#[derive(Deserialize)]
pub(crate) struct Data {
    #[serde(deserialize_with = "nullable")]
    subscription: Option<Object<OfSubscription>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfSubscription {
    #[serde(deserialize_with = "nullable")]
    budget_controls: Option<Object<Controls>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Controls {
    #[serde(deserialize_with = "nullable")]
    subscription: Option<Object<Caps>>,
    #[serde(deserialize_with = "nullable")]
    user_budget_cap_overrides: Option<Object<Page>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Caps {
    #[serde(deserialize_with = "nullable")]
    subscription_name: Option<String>,
    #[serde(deserialize_with = "nullable")]
    subscription_cap: Option<Box<RawValue>>,
    #[serde(deserialize_with = "nullable")]
    subscription_cap_enabled: Option<bool>,
    #[serde(deserialize_with = "nullable")]
    flat_user_cap: Option<Box<RawValue>>,
    #[serde(deserialize_with = "nullable")]
    flat_user_cap_enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Object<Node>>,
    page_info: Object<PageInfo>,
}

/// An override; those that were just written come without times.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    #[serde(deserialize_with = "nullable")]
    entity_id: Option<Id>,
    cap: Box<RawValue>,
    cap_enabled: bool,
    #[serde(default)]
    self_managed_instance_activation_id: Option<Id>,
    #[serde(default)]
    created_at: Option<Box<RawValue>>,
    #[serde(default)]
    updated_at: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    #[serde(default)]
    has_next_page: Option<bool>,
    #[serde(default)]
    end_cursor: Option<String>,
}

/// What one answer tells.
#[derive(Debug)]
pub(crate) struct ReadPage {
    /// `None`: the subscription has no record of caps.
    pub(crate) subscription: Option<PortalSubscriptionCaps>,
    pub(crate) overrides: Vec<PortalOverride>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

impl Data {
    /// The page. A subscription that the portal keeps no caps for has none. One that it does not know, or does not show
    /// to whoever asks, is null, and so are parts of the answer beside others that are there: that is no news of caps.
    pub(crate) fn page(self) -> Result<ReadPage, Malformation> {
        let Some(Object(found)) = self.subscription else {
            let field = "subscription";
            return Err(Malformation::NullField { field });
        };
        let (caps, page) = match found.budget_controls {
            Some(Object(found)) => (found.subscription, found.user_budget_cap_overrides),
            None => (None, None),
        };
        let subscription = caps.map(|caps| caps.0.caps()).transpose()?;
        let Some(Object(page)) = page else {
            if subscription.is_some() {
                let field = "userBudgetCapOverrides";
                return Err(Malformation::NullField { field });
            }
            return Ok(ReadPage {
                subscription: None,
                overrides: Vec::new(),
                next: None,
            });
        };
        let next = page.page_info.0.next(page.nodes.is_empty())?;
        let overrides = page.nodes.into_iter().map(|node| node.0.over());
        Ok(ReadPage {
            subscription,
            overrides: overrides.collect::<Result<_, _>>()?,
            next,
        })
    }
}

impl Caps {
    fn caps(self) -> Result<PortalSubscriptionCaps, Malformation> {
        let (subscription, flat) = (self.subscription_cap, self.flat_user_cap);
        Ok(PortalSubscriptionCaps {
            name: self.subscription_name,
            subscription: optional_cap(
                "subscriptionCap",
                subscription.as_deref(),
                self.subscription_cap_enabled,
            )?,
            flat_user: optional_cap("flatUserCap", flat.as_deref(), self.flat_user_cap_enabled)?,
        })
    }
}

impl Node {
    pub(crate) fn over(self) -> Result<PortalOverride, Malformation> {
        Ok(PortalOverride {
            entity_id: self.entity_id.map(|id| id.0),
            cap: cap("cap", &self.cap, self.cap_enabled)?,
            instance_activation_id: self.self_managed_instance_activation_id.map(|id| id.0),
            created_at: time(self.created_at.as_deref()),
            updated_at: time(self.updated_at.as_deref()),
        })
    }
}

/// A time; what is not one is not worth losing the row for.
fn time(json: Option<&RawValue>) -> Option<DateTime<Utc>> {
    serde_json::from_str(json?.get()).ok()
}

impl PageInfo {
    /// Where the next page begins. A portal that does not say whether there is one says it by the cursor, which it has
    /// for the last page too: an empty page then is the end.
    fn next(self, empty: bool) -> Result<Option<String>, Malformation> {
        match (self.has_next_page, self.end_cursor) {
            (Some(false), _) | (None, None) => Ok(None),
            (None, Some(_)) if empty => Ok(None),
            (Some(true) | None, Some(cursor)) => Ok(Some(cursor)),
            (Some(true), None) => Err(Malformation::Paging),
        }
    }
}
