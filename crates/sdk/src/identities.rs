//! Signing in at an identity provider.

use serde::{Deserialize, Serialize};

use crate::Secret;

/// Where a sign-in at the identity provider ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct OidcLoginQuery {
    /// The path of this site that the browser goes to once it is signed in; `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
}

/// Where proving again who one is ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct OidcAdminModeQuery {
    /// The path of this site that the browser goes to once its session is in admin mode; `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
}

/// The identity provider's answer, as the browser brings it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct OidcCallbackQuery {
    /// What the identity provider gives its tokens for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
    /// Which sign-in it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Secret>,
    /// Why there is no code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Who answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
}

/// The ways to sign in that this deployment offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthMethods {
    /// By e-mail address and password.
    pub password: AuthMethod,
    /// At the identity provider.
    pub oidc: OidcAuthMethod,
}

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthMethod {
    /// Whether it is offered.
    pub enabled: bool,
}

/// Signing in at the identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OidcAuthMethod {
    /// Whether it is offered.
    pub enabled: bool,
    /// What the button says that leads there.
    pub sign_in_text: String,
    /// The address of the button's picture; may be empty.
    pub icon_url: String,
}
