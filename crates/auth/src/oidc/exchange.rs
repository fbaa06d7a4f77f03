//! From the provider's code to what it says of the person: the token endpoint, the ID token, the userinfo endpoint.

use std::sync::Arc;

use http::{HeaderValue, Request, StatusCode, header};
use openidconnect::{
    AccessToken, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, OAuth2TokenResponse, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, TokenResponse,
    core::{CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken},
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::{
    Oidc, OidcError,
    http::HttpError,
    provider::{Known, http_error},
    verify::{TokenError, Verifier},
};
use crate::AuthState;

/// A client of a provider that was discovered.
pub(super) type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the provider said of the person, by where it said so.
#[derive(Debug)]
pub(super) struct Said {
    /// In the ID token, which is signed.
    pub(super) token: Map<String, Value>,
    /// At its userinfo endpoint, when it has one.
    pub(super) userinfo: Map<String, Value>,
}

impl Oidc {
    /// A client with what is known of the provider.
    pub(super) fn client(&self, known: &Known) -> Client {
        let config = self.config();
        let secret = config.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client = CoreClient::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(config.client_id.clone()),
            secret,
        );
        client
            .set_redirect_uri(RedirectUrl::from_url(self.redirect_uri().clone()))
            .set_auth_type(auth_type(known))
    }
}

/// How the secret is shown: as the provider wants it, by HTTP Basic when it does not say.
fn auth_type(known: &Known) -> AuthType {
    let methods = known.metadata.token_endpoint_auth_methods_supported();
    let has = |method| methods.is_some_and(|methods| methods.contains(&method));
    let basic = has(CoreClientAuthMethod::ClientSecretBasic);
    if has(CoreClientAuthMethod::ClientSecretPost) && !basic {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }
}

/// Exchanges the code, verifies what comes for it, and asks for what else is said of the person.
pub(super) async fn exchange(
    state: &AuthState,
    oidc: &Oidc,
    code: String,
    pkce_verifier: String,
    nonce: &str,
) -> Result<Said, OidcError> {
    let known = oidc.0.provider.known().await?;
    let client = oidc.client(&known);
    let request = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|error| OidcError::Provider(error.into()))?
        .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier));
    let answer = request
        .request_async(&oidc.0.http)
        .await
        .map_err(code_error)?;
    let id_token = answer
        .id_token()
        .ok_or_else(|| OidcError::Token("there is no ID token in the answer".into()))?;
    let token = verified(state, oidc, known.clone(), id_token, nonce).await?;
    let subject = token.get("sub").and_then(Value::as_str).unwrap_or_default();
    let userinfo = userinfo(oidc, &known, answer.access_token(), subject).await?;
    Ok(Said { token, userinfo })
}

/// The claims of an ID token, by the keys that are known, or those that the provider has by now.
async fn verified(
    state: &AuthState,
    oidc: &Oidc,
    known: Arc<Known>,
    id_token: &CoreIdToken,
    nonce: &str,
) -> Result<Map<String, Value>, OidcError> {
    let now = state.clock.now();
    let verify = |known: &Known| {
        let verifier = Verifier {
            client: &oidc.client(known),
            algorithms: known.algorithms(),
            nonce,
            now,
        };
        verifier.verify(id_token)
    };
    let failed = |error: TokenError| OidcError::Token(error.into());
    match verify(&known) {
        Err(error) if error.by_the_key() => match oidc.0.provider.newer(&known).await? {
            Some(newer) => verify(&newer).map_err(failed),
            None => Err(failed(error)),
        },
        outcome => outcome.map_err(failed),
    }
}

/// What went wrong with the code. An answer that cannot be read may hold tokens, so nothing of it is kept.
fn code_error(
    error: RequestTokenError<
        HttpError,
        openidconnect::StandardErrorResponse<CoreErrorResponseType>,
    >,
) -> OidcError {
    match error {
        RequestTokenError::Request(error) => http_error(error),
        RequestTokenError::ServerResponse(refusal) => {
            let code = refusal.error().to_string();
            match refusal.error() {
                // Another client id or secret than the provider knows.
                CoreErrorResponseType::InvalidClient
                | CoreErrorResponseType::UnauthorizedClient => {
                    let text = format!("its token endpoint answers `{}`", plain(&code));
                    OidcError::Provider(text.into())
                }
                _ => OidcError::Code(plain(&code)),
            }
        }
        RequestTokenError::Parse(..) => {
            OidcError::Provider("its token endpoint's answer cannot be read".into())
        }
        RequestTokenError::Other(_) => {
            OidcError::Provider("its token endpoint answers nothing of use".into())
        }
    }
}

/// A word of the provider, fit for a log.
pub(super) fn plain(word: &str) -> String {
    let good = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-' || *c == '.';
    word.chars().filter(good).take(64).collect()
}

/// What the userinfo endpoint says of the person whom the ID token is about.
async fn userinfo(
    oidc: &Oidc,
    known: &Known,
    access_token: &AccessToken,
    subject: &str,
) -> Result<Map<String, Value>, OidcError> {
    let Some(endpoint) = known.metadata.userinfo_endpoint() else {
        return Ok(Map::new());
    };
    let bearer = HeaderValue::try_from(format!("Bearer {}", access_token.secret()));
    let mut bearer = bearer.map_err(|_error| {
        OidcError::Provider("its access token cannot be sent in a header".into())
    })?;
    bearer.set_sensitive(true);
    let request = Request::get(endpoint.as_str())
        .header(header::AUTHORIZATION, bearer)
        .header(header::ACCEPT, HeaderValue::from_static("application/json"))
        .body(Vec::new());
    let request = request.map_err(|error| OidcError::Provider(error.into()))?;
    let answer = oidc.0.http.send(request).await.map_err(http_error)?;
    if answer.status() != StatusCode::OK {
        let text = format!("its userinfo endpoint answers {}", answer.status());
        return Err(OidcError::Provider(text.into()));
    }
    let claims: Map<String, Value> = serde_json::from_slice(answer.body()).map_err(|_error| {
        OidcError::Provider("its userinfo endpoint's answer is no JSON".into())
    })?;
    // Otherwise another person's claims could be put under this one's.
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(OidcError::Token(
            "the userinfo endpoint speaks of another person".into(),
        ));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_word_of_the_provider_cannot_forge_a_line() {
        assert_eq!(plain("invalid_grant"), "invalid_grant");
        assert_eq!(plain("a\nERROR all is lost"), "aERRORallislost");
        assert_eq!(plain(&"x".repeat(100)).len(), 64);
    }
}
