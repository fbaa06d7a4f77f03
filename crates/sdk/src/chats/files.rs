//! Files that people attach to chats.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A file without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatFile {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub owner_id: Uuid,
    /// The organization it belongs to.
    pub organization_id: Uuid,
    /// Its name.
    pub name: String,
    /// What it is by its bytes.
    pub mime_type: String,
    /// How large it is, in bytes.
    pub size_bytes: u64,
    /// When it came.
    pub created_at: DateTime<Utc>,
}

/// Where a file is put.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ChatFileCreateQuery {
    /// The id of the organization that it shall belong to: the caller is a member of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(required = true))]
    pub organization: Option<String>,
}

/// A file that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadChatFileResponse {
    /// Its id, by which a message attaches it.
    pub id: Uuid,
}

/// An address that leads to a file for a while without a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatFileDownloadUrl {
    /// The address. Whoever has it has the file, as long as whoever asked for it may read the file.
    pub url: String,
    /// Until when it holds.
    pub expires_at: DateTime<Utc>,
    /// The SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// How large the file is, in bytes.
    pub size_bytes: u64,
    /// Its name.
    pub name: String,
    /// What it is by its bytes.
    pub mime_type: String,
}

/// By what right a file is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ChatFileDownloadGetQuery {
    /// The secret of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(required = true))]
    pub token: Option<String>,
}
