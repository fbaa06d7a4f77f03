//! Who is calling: keys, passwords, sessions, and the axum extractor that turns a request into a store bound
//! to its caller.
//!
//! A request's way in: [`Caller`] finds the key that it carries, one light query
//! gives it with its owner's status and versions, secrets are compared in constant time, and the owner's roles,
//! groups and the key's scopes become the subject that authorizes everything from there on. [`SubjectCache`]
//! keeps subjects by those versions, so that a change counts from the next request on. The gateway uses [`gateway_caller`] instead, which
//! never looks at the cookie.
//!
//! Whoever answers with a stream asks the hub, `state.access`, for an [`AccessGuard`] over its caller, and ends the
//! stream when the guard says that access has ended: the module `access` tells how.
//!
//! # What this crate must not know
//!
//! No SQL and no routes: `api`, `gateway` and `web` own those. It reads and writes through `dbauthz` as
//! [`dbauthz::SystemActor::Authenticator`], which may do little more than this.
//!
//! A session may be put into admin mode, for a while, by proving again who one is: by password in `admin_mode`, at the
//! identity provider in `oidc`. What concerns the whole deployment's money asks for that besides the right.
//!
//! # To add a way of signing in
//!
//! A module that ends in a session made by `sessions::session_create`, and its route in `api`. By password it is
//! `login`, by OpenID Connect `oidc`.

mod access;
mod admin_mode;
mod authenticate;
mod behalf;
mod confirm;
mod cookies;
mod downloads;
mod error;
mod extract;
mod login;
mod oidc;
mod origin;
mod password_change;
mod passwords;
mod sessions;
mod setup;
mod state;
mod subjects;
mod throttle;
mod tokens;

#[cfg(test)]
mod tests;

pub use access::{AccessGuard, AccessHint, AccessHub, Revoked};
pub use admin_mode::{
    ADMIN_MODE_LIFETIME, AdminMode, AdminModeError, admin_mode_begin, admin_mode_end,
};
pub use behalf::on_behalf_of;
pub use cookies::{SESSION_COOKIE, session_cookie, session_cookie_removed};
pub use downloads::{DownloadSecret, download_open, download_secret};
pub use error::AuthError;
pub use extract::{Caller, caller_renew, gateway_caller};
pub use login::{Login, LoginError, login, logout};
pub use oidc::{
    Oidc, OidcAnswer, OidcConfig, OidcDeparture, OidcError, OidcReturn, OidcSetupError, Signups,
    UnsaidEmails, oidc_admin_mode, oidc_callback, oidc_login,
};
pub use origin::same_site;
pub use password_change::{PasswordUpdateError, password_update};
pub use passwords::{PasswordError, PasswordPolicyError, Passwords, password_check};
pub use sessions::{CreatedToken, NewToken, SESSION_LIFETIME, token_create};
pub use setup::{FirstUser, SetupError, first_user_create, first_user_exists};
pub use state::{AuthState, RequestId};
pub use subjects::{SubjectCache, subject_get};
pub use throttle::LoginThrottle;
pub use tokens::random_text;
