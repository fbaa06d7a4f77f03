//! Reading who is stopped.

use chrono::NaiveDate;
use model::caps::BlockedCap;
use serde::{Deserialize, Serialize};

use super::{Id, Object, nullable};
use crate::{Malformation, PortalBlockedStatus};

/// Who of some people is stopped, and by which cap.
pub(crate) const DOCUMENT: &str = "query subscriptionBlockedStatuses($instanceId: ID, \
$namespaceId: ID, $licenseKey: String, $startDate: ISO8601Date, $endDate: ISO8601Date, \
$entityIds: [String!]!) { subscription(namespaceId: $namespaceId, licenseKey: $licenseKey) { \
gitlabCreditsUsage(instanceId: $instanceId, startDate: $startDate, endDate: $endDate) { \
blockedStatuses(entityIds: $entityIds) { nodes { entityId blocked capType } } } } }";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variables<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_date: Option<NaiveDate>,
    pub(crate) entity_ids: &'a [String],
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
    gitlab_credits_usage: Option<Object<Usage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    blocked_statuses: Object<Statuses>,
}

#[derive(Deserialize)]
struct Statuses {
    nodes: Vec<Object<Node>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    entity_id: Id,
    blocked: bool,
    #[serde(deserialize_with = "nullable")]
    cap_type: Option<String>,
}

impl Data {
    /// The statuses of those of `asked` whom the portal knows. Null is no answer, whoever is asked about.
    pub(crate) fn statuses(
        self,
        asked: &[String],
    ) -> Result<impl Iterator<Item = PortalBlockedStatus>, Malformation> {
        let null = |field| Malformation::NullField { field };
        let Object(found) = self.subscription.ok_or(null("subscription"))?;
        let Object(usage) = found
            .gitlab_credits_usage
            .ok_or(null("gitlabCreditsUsage"))?;
        let nodes = usage.blocked_statuses.0.nodes;
        let statuses = nodes.into_iter().map(|node| node.0.status());
        Ok(statuses.filter(|status| asked.contains(&status.entity_id)))
    }
}

impl Node {
    fn status(self) -> PortalBlockedStatus {
        let cap = self.cap_type.filter(|_| self.blocked);
        PortalBlockedStatus {
            entity_id: self.entity_id.0,
            blocked: self.blocked,
            cap: cap.as_deref().and_then(cap_type),
        }
    }
}

/// The cap of a word; a portal may have more kinds than are known here.
fn cap_type(word: &str) -> Option<BlockedCap> {
    match word {
        "FLAT_USER_CAP" => Some(BlockedCap::FlatUser),
        "USER_OVERRIDE_CAP" => Some(BlockedCap::UserOverride),
        "SUBSCRIPTION_CAP" => Some(BlockedCap::Subscription),
        _ => None,
    }
}
