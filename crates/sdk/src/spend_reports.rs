//! Reports of what people and groups spent. Money is in micro-dollars: 1 USD = 1,000,000.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AiSpendPool, EffectiveAiBudget};

/// Ids as one text, separated by commas.
mod comma {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(ids: &[Uuid], to: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        to.serialize_str(&texts.join(","))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Uuid>, D::Error> {
        let text = String::deserialize(from)?;
        let read = |id: &str| {
            let id = id.trim();
            id.parse()
                .map_err(|_error| D::Error::custom(format_args!("`{id}` is no UUID")))
        };
        text.split(',').map(read).collect()
    }
}

/// What was charged to a group in the present period, beside what its people may spend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupAiSpend {
    /// The first instant of the period.
    pub period_start: DateTime<Utc>,
    /// The first instant after the period.
    pub period_end: DateTime<Utc>,
    /// The group.
    pub group_id: Uuid,
    /// The limit for each member; `null` without a budget.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub spend_limit_micros: Option<i64>,
    /// What the people whose spend is charged to the group may spend together, each by the limit that holds for them;
    /// `null` without a budget.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub total_spend_limit_micros: Option<i64>,
    /// What was charged to the group, by whomever, also by people who have left since.
    pub current_spend_micros: i64,
    /// The group's pool, in its own period; `null` when it has none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pool: Option<AiSpendPool>,
}

/// Which groups of an organization to report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct OrganizationGroupSpendListQuery {
    /// The groups' ids, separated by commas, 100 at most.
    #[serde(with = "comma")]
    #[cfg_attr(feature = "openapi", param(value_type = String))]
    pub group_ids: Vec<Uuid>,
}

/// What was charged to groups of an organization in the present period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganizationGroupsAiSpend {
    /// The first instant of the period.
    pub period_start: DateTime<Utc>,
    /// The first instant after the period.
    pub period_end: DateTime<Utc>,
    /// Those groups that the organization has and the caller may see, by id.
    pub groups: Vec<OrganizationGroupAiSpend>,
}

/// What was charged to one of several groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganizationGroupAiSpend {
    /// The group.
    pub group_id: Uuid,
    /// The limit for each member; `null` without a budget.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub spend_limit_micros: Option<i64>,
    /// What the people whose spend is charged to the group may spend together; `null` without a budget.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub total_spend_limit_micros: Option<i64>,
    /// What was charged to the group, by whomever.
    pub current_spend_micros: i64,
    /// The group's pool, in its own period; `null` when it has none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pool: Option<AiSpendPool>,
}

/// Which members of a group to report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct GroupMemberSpendListQuery {
    /// The people's ids, separated by commas, 100 at most.
    #[serde(with = "comma")]
    #[cfg_attr(feature = "openapi", param(value_type = String))]
    pub user_ids: Vec<Uuid>,
}

/// What was charged to a group on account of its members in the present period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupMembersAiSpend {
    /// The first instant of the period.
    pub period_start: DateTime<Utc>,
    /// The first instant after the period.
    pub period_end: DateTime<Utc>,
    /// Those people who are in the group and whom the caller may see there, by id.
    pub members: Vec<GroupMemberAiSpend>,
}

/// What was charged to a group on account of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupMemberAiSpend {
    /// The person.
    pub user_id: Uuid,
    /// The group that the person's spend is charged to now; `null` when that is of another organization.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_group_id: Option<Uuid>,
    /// The limit that holds for the person; `null` for no limit, and when it is of another organization.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_budget: Option<EffectiveAiBudget>,
    /// The same when it is this group that is charged, else `null`. Superseded by `effective_budget`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub group_budget: Option<EffectiveAiBudget>,
    /// What was charged to this group on account of the person; not all that the person spent.
    pub group_spend_micros: i64,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SpendExportFormat {
    /// Comma-separated values: a line for each person, group, model and provider.
    #[default]
    Csv,
    /// The same a day, as comma-separated values with the columns of FOCUS, the specification of the `FinOps`
    /// foundation.
    Focus,
    /// The sums of `csv` as Apache Parquet, with types.
    Parquet,
}

/// What to export, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct SpendExportQuery {
    /// The first instant to report; the present budget period where neither end is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_start: Option<DateTime<Utc>>,
    /// The first instant not to report: at most 31 days later, for `focus` and `parquet` 366.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_end: Option<DateTime<Utc>>,
    /// How it is written; `csv` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(inline))]
    pub format: Option<SpendExportFormat>,
}

/// Which usage to add up by person, and which part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct SpendUserListQuery {
    /// The first instant to report; the present budget period where neither end is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_start: Option<DateTime<Utc>>,
    /// The first instant not to report, at most 31 days later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_end: Option<DateTime<Utc>>,
    /// Only usage of the provider that had this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_name: Option<String>,
    /// Only usage of this model, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only usage by this program; `Unknown` finds what is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// How many people to list, from 1 to 100; 10 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 100))]
    pub limit: Option<u32>,
    /// How many people to pass over first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
}

/// The people by whom groups of an organization were charged in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganizationAiSpendUsers {
    /// The first instant of the period.
    pub period_start: DateTime<Utc>,
    /// The first instant after the period.
    pub period_end: DateTime<Utc>,
    /// How many people there are in all.
    pub count: u64,
    /// The sums over all of them.
    pub totals: AiSpendTotals,
    /// The part of them that was asked for: by cost, the greatest first, then by username and id.
    pub users: Vec<AiSpendUser>,
}

/// Sums over all people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiSpendTotals {
    /// What their usage cost, as far as prices are known.
    pub cost_micros: i64,
    /// How many requests have no known price.
    pub unpriced_usage_count: u64,
}

/// A person's usage, added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiSpendUser {
    /// The person.
    pub user_id: Uuid,
    /// The person's unique name, also after the account's end.
    pub username: String,
    /// What it cost, as far as prices are known.
    pub cost_micros: i64,
    /// How many requests have no known price.
    pub unpriced_usage_count: u64,
    /// The names of the providers, in order.
    pub providers: Vec<String>,
    /// The programs, in order; `Unknown` where one is not known.
    pub clients: Vec<String>,
    /// The models, in order.
    pub models: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_separated_by_commas() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let query = GroupMemberSpendListQuery {
            user_ids: vec![one, two],
        };
        let text = serde_json::to_value(&query).unwrap();
        assert_eq!(text["user_ids"], format!("{one},{two}"));
        let check = |text: &str, ids: Option<&[Uuid]>| {
            let read = serde_json::from_value::<GroupMemberSpendListQuery>(
                serde_json::json!({"user_ids": text}),
            );
            assert_eq!(
                read.ok().map(|query| query.user_ids).as_deref(),
                ids,
                "{text}"
            );
        };
        check(&format!("{one}, {two}"), Some(&[one, two]));
        check(&format!("{one},"), None);
        check("x", None);
        check("", None);
    }
}
