//! The two halves of a sign-in: the browser leaves for the provider, and comes back with its answer.

use std::{fmt, time::Duration};

use dbauthz::SystemActor;
use http::{HeaderMap, HeaderValue};
use model::{
    identities::{NewOidcLogin, OIDC_LOGIN_LIFETIME},
    users::{LoginType, User, UserStatus},
};
use openidconnect::{
    CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope,
    core::{CoreAuthPrompt, CoreAuthenticationFlow},
};
use store::StoreError;
use url::Url;
use uuid::Uuid;

use super::{
    Oidc, OidcError, accounts,
    error::chain,
    exchange::{exchange, plain},
    person::Person,
    reauthentication::reauthenticated,
};
use crate::{AuthState, Login, cookies, sessions::session_create, tokens};

/// The name of the cookie of a sign-in under way, before eight digits that stand for its state: so that several
/// tabs of a browser do not disturb each other.
const COOKIE: &str = "bursar_oidc_";
/// The greatest length of a path to return to, in bytes.
const REDIRECT_MAX_BYTES: usize = 2048;
/// The greatest length of a code, in bytes.
const CODE_MAX_BYTES: usize = 4096;
/// How long the secrets of a sign-in are, in letters and digits. PKCE wants 43 at least.
const SECRET_CHARS: usize = 48;

/// Where a browser is sent, and what it keeps for coming back.
#[derive(Debug)]
pub struct OidcDeparture {
    /// The provider's address.
    pub location: HeaderValue,
    /// The `Set-Cookie` value by which the browser will be known.
    pub cookie: HeaderValue,
}

/// The provider's answer, as the browser brings it. Its `Debug` shows nothing.
#[derive(Clone, Default)]
pub struct OidcAnswer {
    /// What the tokens are given for.
    pub code: Option<String>,
    /// Which sign-in it answers.
    pub state: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
}

impl fmt::Debug for OidcAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OidcAnswer(..)")
    }
}

/// Somebody who came back, and whom the provider vouches for.
#[derive(Debug)]
pub struct OidcReturn {
    /// The session that was made; absent when the one that there was is in admin mode now.
    pub login: Option<Login>,
    /// Where the browser goes: a path of this site.
    pub redirect: HeaderValue,
    /// The `Set-Cookie` value that removes the cookie of the sign-in.
    pub cookie_removed: HeaderValue,
}

/// Begins a sign-in: the browser is to go to the provider, and in the end to a path of this site.
///
/// # Errors
/// [`OidcError::Redirect`] for a path that leads elsewhere; [`OidcError::Busy`], [`OidcError::Unreachable`],
/// [`OidcError::Provider`], [`OidcError::Store`].
pub async fn oidc_login(
    state: &AuthState,
    oidc: &Oidc,
    redirect: Option<&str>,
) -> Result<OidcDeparture, OidcError> {
    depart(state, oidc, redirect, None).await
}

/// As [`oidc_login`]; for a session that shall be in admin mode, whatever session the person has at the provider.
pub(super) async fn depart(
    state: &AuthState,
    oidc: &Oidc,
    redirect: Option<&str>,
    admin_mode_key: Option<String>,
) -> Result<OidcDeparture, OidcError> {
    let outcome = begin(state, oidc, redirect.unwrap_or("/"), admin_mode_key).await;
    if let Err(error) = &outcome {
        note(error);
    }
    outcome
}

async fn begin(
    state: &AuthState,
    oidc: &Oidc,
    redirect: &str,
    admin_mode_key: Option<String>,
) -> Result<OidcDeparture, OidcError> {
    let redirect = local_path(redirect).ok_or(OidcError::Redirect)?.to_owned();
    let _working = oidc.begin_work()?;
    let known = oidc.0.provider.known().await?;
    let [token, browser, nonce, verifier] = [secret()?, secret()?, secret()?, secret()?];
    let state_hash = tokens::hash(&token);
    let challenge =
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
    let client = oidc.client(&known);
    let nonce_sent = Nonce::new(nonce.clone());
    let request = client.authorize_url(
        CoreAuthenticationFlow::AuthorizationCode,
        || CsrfToken::new(token),
        || nonce_sent,
    );
    // `openid` is asked for anyway.
    let scopes = oidc
        .config()
        .scopes
        .iter()
        .filter(|scope| *scope != "openid");
    let scopes = scopes.map(|scope| Scope::new(scope.clone()));
    let request = request.add_scopes(scopes).set_pkce_challenge(challenge);
    // Whatever session the person has there does not do.
    let (url, ..) = if admin_mode_key.is_some() {
        request
            .set_max_age(Duration::ZERO)
            .add_prompt(CoreAuthPrompt::Login)
            .url()
    } else {
        request.url()
    };

    let system = state.authorized.as_system(SystemActor::IdentitySync);
    let mut unit = system.begin().await?;
    let login = NewOidcLogin {
        state_hash,
        browser_hash: tokens::hash(&browser),
        nonce,
        pkce_verifier: verifier,
        redirect,
        admin_mode_key,
    };
    unit.identities().oidc_login_create(&login).await?;
    unit.commit().await?;
    Ok(OidcDeparture {
        location: secret_header(url.as_str())?,
        cookie: cookie(
            oidc,
            &state_hash,
            &browser,
            OIDC_LOGIN_LIFETIME.num_seconds(),
        )?,
    })
}

/// Ends a sign-in with the provider's answer: whoever it is about is signed in, or in admin mode, or told why not.
///
/// # Errors
/// See [`OidcError`].
pub async fn oidc_callback(
    state: &AuthState,
    oidc: &Oidc,
    headers: &HeaderMap,
    answer: OidcAnswer,
    request_id: Option<Uuid>,
) -> Result<OidcReturn, OidcError> {
    let outcome = finish(state, oidc, headers, answer, request_id).await;
    match &outcome {
        Ok(OidcReturn {
            login: Some(login), ..
        }) => {
            let user_id = login.user_id;
            tracing::info!(%user_id, "signed in at the identity provider");
            count("signed_in");
        }
        Ok(_) => count("admin_mode"),
        Err(error) => note(error),
    }
    outcome
}

async fn finish(
    state: &AuthState,
    oidc: &Oidc,
    headers: &HeaderMap,
    answer: OidcAnswer,
    request_id: Option<Uuid>,
) -> Result<OidcReturn, OidcError> {
    let token = answer.state.ok_or(OidcError::Answer)?;
    let issuer = &oidc.config().issuer;
    if answer.iss.is_some_and(|answering| answering != *issuer) {
        return Err(OidcError::Answer);
    }
    let _working = oidc.begin_work()?;
    let state_hash = tokens::hash(&token);
    let browser = cookies::cookie_of(headers, &cookie_name(&state_hash));
    let browser_hash = tokens::hash(browser.ok_or(OidcError::State)?);
    // Taken and gone before anything else is tried: the same answer never counts twice.
    let system = state.authorized.as_system(SystemActor::IdentitySync);
    let mut unit = system.begin().await?;
    let login = unit
        .identities()
        .oidc_login_take(&state_hash, &browser_hash)
        .await?;
    unit.commit().await?;
    let login = login.ok_or(OidcError::State)?;
    match answer.error.as_deref() {
        None => {}
        Some("access_denied") => return Err(OidcError::AccessDenied),
        Some(other) => return Err(OidcError::Refused(plain(other))),
    }
    let code = answer.code.filter(|code| code.len() <= CODE_MAX_BYTES);
    let code = code.ok_or(OidcError::Answer)?;

    let said = exchange(state, oidc, code, login.pkce_verifier, &login.nonce).await?;
    let made = match &login.admin_mode_key {
        Some(key_id) => {
            reauthenticated(state, oidc.config(), said, login.age, key_id, request_id).await?;
            None
        }
        None => {
            let person = Person::read(oidc.config(), said)?;
            let user = accounts::account(state, oidc.config(), &person, request_id).await?;
            Some(session(state, &user, request_id).await?)
        }
    };
    Ok(OidcReturn {
        login: made,
        redirect: secret_header(&login.redirect)?,
        cookie_removed: cookie(oidc, &state_hash, "", 0)?,
    })
}

/// The session of somebody whose account was found, if it may still act.
async fn session(
    state: &AuthState,
    user: &User,
    request_id: Option<Uuid>,
) -> Result<Login, OidcError> {
    let system = state
        .authorized
        .as_system(SystemActor::Authenticator)
        .with_request_id(request_id)
        .on_behalf_of(user.id, &user.username);
    let mut unit = system.begin().await?;
    // This locks the account's row: whoever suspends it does so before, and is seen, or after, and is obeyed.
    unit.logins().user_seen(user.id).await?;
    let present = unit.logins().credentials_get_by_user(user.id).await?;
    let present = present.ok_or(StoreError::NotFound)?;
    if present.status == UserStatus::Suspended {
        return Err(OidcError::Suspended);
    }
    if present.login_type == LoginType::None {
        return Err(OidcError::ServiceAccount);
    }
    let created = session_create(&mut unit, user.id).await?;
    unit.commit().await?;
    Ok(Login {
        token: created.token,
        key: created.key,
        user_id: user.id,
    })
}

/// Logs and counts why nobody was signed in. No variant holds a code, a token, a state or a verifier.
fn note(error: &OidcError) {
    let (kind, reason) = (error.kind(), chain(error));
    match error {
        OidcError::Unreachable(_) | OidcError::Provider(_) | OidcError::Token(_) => {
            tracing::warn!(
                kind,
                reason,
                "nobody was signed in at the identity provider"
            );
        }
        // The API logs it with everything that led to it.
        OidcError::Store(_) => {}
        _ => tracing::info!(
            kind,
            reason,
            "nobody was signed in at the identity provider"
        ),
    }
    count(kind);
}

fn count(outcome: &'static str) {
    metrics::counter!("bursar_auth_oidc_sign_ins_total", "outcome" => outcome).increment(1);
}

fn secret() -> Result<String, OidcError> {
    tokens::random_text(SECRET_CHARS).map_err(|error| StoreError::Internal(error.into()).into())
}

/// A header that is in no log.
fn secret_header(text: &str) -> Result<HeaderValue, OidcError> {
    let value = HeaderValue::try_from(text);
    let mut value = value.map_err(|error| StoreError::Internal(error.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn cookie_name(state_hash: &[u8; 32]) -> String {
    let [one, two, three, four, ..] = state_hash;
    format!("{COOKIE}{one:02x}{two:02x}{three:02x}{four:02x}")
}

/// The cookie of a sign-in: sent with the provider's answer, which another site's page brings about, and to that
/// address alone.
fn cookie(
    oidc: &Oidc,
    state_hash: &[u8; 32],
    value: &str,
    seconds: i64,
) -> Result<HeaderValue, OidcError> {
    let (name, address) = (cookie_name(state_hash), oidc.redirect_uri());
    let secure = if address.scheme() == "https" {
        "; Secure"
    } else {
        ""
    };
    let path = address.path();
    secret_header(&format!(
        "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    ))
}

/// A path of this site that a browser reads as one; `None` for anything that leads, or might lead, elsewhere.
fn local_path(text: &str) -> Option<&str> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !text.starts_with('/') || text.starts_with("//") || text.len() > REDIRECT_MAX_BYTES || !plain
    {
        return None;
    }
    // As browsers do it.
    let here = Url::parse("http://here.invalid/").ok()?;
    let there = here.join(text).ok()?;
    let normal = !there.path().starts_with("//");
    (there.origin() == here.origin() && normal).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_paths_of_this_site_are_returned_to() {
        for good in [
            "/",
            "/chats/1?x=%2F%2Fevil.example#y",
            "/a//b",
            "/%5Cevil",
            "/@evil.example",
        ] {
            assert_eq!(local_path(good), Some(good));
        }
        let long = format!("/{}", "x".repeat(2048));
        for bad in [
            "",
            "chats",
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\b",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nset-cookie: a=b",
            "/ä",
            "/a b",
            "/.//evil.example",
            "/a/..//evil.example",
            " /a",
            "javascript:alert(1)",
            &long,
        ] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
    }
}
