//! The AI providers that the gateway forwards to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Secret, lenient::empty_as_none};

/// The wire format and price list that a provider follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AiProviderType {
    /// OpenAI itself.
    #[serde(rename = "openai")]
    OpenAi,
    /// Anthropic.
    #[serde(rename = "anthropic")]
    Anthropic,
    /// A server that speaks OpenAI's wire format.
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
}

/// A configured provider. Its key is never part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiProvider {
    /// Its id.
    pub id: Uuid,
    /// Its unique name in gateway addresses.
    pub name: String,
    /// The wire format and price list it follows.
    #[serde(rename = "type")]
    pub kind: AiProviderType,
    /// Where requests go.
    pub base_url: String,
    /// Whether a key is stored.
    pub api_key_set: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A provider to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateAiProviderRequest {
    /// Its unique name in gateway addresses.
    pub name: String,
    /// The wire format and price list it follows.
    #[serde(rename = "type")]
    pub kind: AiProviderType,
    /// Where requests go. Includes `/v1` for the OpenAI types, does not for Anthropic.
    pub base_url: String,
    /// The key that the provider knows this deployment by; stored encrypted, never shown.
    pub api_key: Secret,
}

/// A change of a provider; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateAiProviderRequest {
    /// A new unique name.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// A new address; the key must be given again with it, so that no stored key is sent elsewhere.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub base_url: Option<String>,
    /// A new key.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub api_key: Option<Secret>,
}
