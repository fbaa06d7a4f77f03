//! How an identity provider's claims become organizations, groups and roles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lenient::{null_as_given, null_lists, null_mapping_as_given};

/// Which organizations people are in, by a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganizationSyncSettings {
    /// The claim; empty while nothing is synchronized.
    pub field: String,
    /// The organizations that each value of the claim stands for.
    #[serde(default, deserialize_with = "null_lists")]
    pub mapping: BTreeMap<String, Vec<Uuid>>,
    /// Whether everybody is in the default organization, whatever the claim says.
    pub organization_assign_default: bool,
}

/// A change of which organizations people are in; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchOrganizationSyncSettingsRequest {
    /// Another claim; empty switches the synchronization off.
    #[serde(
        default,
        deserialize_with = "null_as_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub field: Option<String>,
    /// Another mapping, which replaces the present one.
    #[serde(
        default,
        deserialize_with = "null_mapping_as_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub mapping: Option<BTreeMap<String, Vec<Uuid>>>,
    /// Whether everybody is in the default organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_assign_default: Option<bool>,
}

/// Which groups of an organization its people are in, by a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupSyncSettings {
    /// The claim; empty while nothing is synchronized.
    pub field: String,
    /// The groups that each value of the claim stands for. A value that is not named stands for the group of its
    /// name.
    #[serde(default, deserialize_with = "null_lists")]
    pub mapping: BTreeMap<String, Vec<Uuid>>,
    /// A regular expression: values that it does not match, and that the mapping does not name, are ignored.
    pub regex_filter: Option<String>,
    /// Whether a group that a value names by its name is made when it is missing.
    pub auto_create_missing_groups: bool,
}

/// A change of which groups people are in; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchGroupSyncSettingsRequest {
    /// Another claim; empty switches the synchronization off.
    #[serde(
        default,
        deserialize_with = "null_as_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub field: Option<String>,
    /// Another mapping, which replaces the present one.
    #[serde(
        default,
        deserialize_with = "null_mapping_as_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub mapping: Option<BTreeMap<String, Vec<Uuid>>>,
    /// Another regular expression; empty or `null` for none.
    #[serde(
        default,
        deserialize_with = "null_as_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub regex_filter: Option<String>,
    /// Whether missing groups are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_create_missing_groups: Option<bool>,
}

/// Which roles people hold in an organization, by a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleSyncSettings {
    /// The claim; empty while nothing is synchronized.
    pub field: String,
    /// The roles that each value of the claim stands for. A value that is not named stands for none.
    #[serde(default, deserialize_with = "null_lists")]
    pub mapping: BTreeMap<String, Vec<String>>,
}

/// A change of which roles people hold; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchRoleSyncSettingsRequest {
    /// Another claim; empty switches the synchronization off.
    #[serde(
        default,
        deserialize_with = "null_as_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub field: Option<String>,
    /// Another mapping, which replaces the present one.
    #[serde(
        default,
        deserialize_with = "null_mapping_as_given",
        skip_serializing_if = "Option::is_none"
    )]
    pub mapping: Option<BTreeMap<String, Vec<String>>>,
}

/// A question what claims would do at a sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdpSyncPreviewRequest {
    /// The claims, an object as in the provider's token.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// The person who would sign in, by id or username; somebody new without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What claims would do at a sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdpSyncPreview {
    /// Organizations that the person would be added to.
    pub organizations_to_join: Vec<Uuid>,
    /// Organizations that the person would be removed from.
    pub organizations_to_leave: Vec<Uuid>,
    /// What would change inside organizations; those in which nothing would are left out.
    pub organizations: Vec<IdpSyncOrganizationPreview>,
    /// What would be passed over, and why.
    pub warnings: Vec<String>,
}

/// What claims would do inside an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdpSyncOrganizationPreview {
    /// The organization.
    pub organization_id: Uuid,
    /// Groups that the person would be added to.
    pub groups_to_join: Vec<Uuid>,
    /// Names of groups that would be made, with the person in them.
    pub groups_to_create: Vec<String>,
    /// Groups that the person would be removed from.
    pub groups_to_leave: Vec<Uuid>,
    /// All roles that the person would hold; `null` when they stay as they are.
    pub roles: Option<Vec<String>>,
}
