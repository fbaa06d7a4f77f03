//! The options of sign-in by OpenID Connect, and what they set up.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use auth::{Oidc, OidcConfig, Signups, UnsaidEmails};
use clap::Args;
use secrecy::SecretString;
use url::Url;

use crate::{cli::duration, secret_file};

/// How people sign in at an identity provider.
#[derive(Debug, Clone, Args)]
pub struct OidcOptions {
    /// The identity provider, exactly as it calls itself: its discovery document is below this address.
    #[arg(long, env = "BURSAR_OIDC_ISSUER_URL", help_heading = "Sign-in")]
    pub oidc_issuer_url: Option<String>,
    /// What the provider calls this deployment.
    #[arg(long, env = "BURSAR_OIDC_CLIENT_ID", help_heading = "Sign-in")]
    pub oidc_client_id: Option<String>,
    /// File with the secret that proves this deployment to the provider; none for a public client.
    #[arg(long, env = "BURSAR_OIDC_CLIENT_SECRET_FILE", help_heading = "Sign-in")]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// What the provider is asked for, separated by commas.
    #[arg(
        long,
        env = "BURSAR_OIDC_SCOPES",
        default_value = "openid,profile,email",
        value_delimiter = ',',
        help_heading = "Sign-in"
    )]
    pub oidc_scopes: Vec<String>,
    /// The claim that a new account is named after.
    #[arg(
        long,
        env = "BURSAR_OIDC_USERNAME_CLAIM",
        default_value = "preferred_username",
        help_heading = "Sign-in"
    )]
    pub oidc_username_claim: String,
    /// The claim with the e-mail address. The provider's `email_verified` must speak of this one.
    #[arg(
        long,
        env = "BURSAR_OIDC_EMAIL_CLAIM",
        default_value = "email",
        help_heading = "Sign-in"
    )]
    pub oidc_email_claim: String,
    /// Whether people without an account get one by signing in.
    #[arg(
        long,
        env = "BURSAR_OIDC_ALLOW_SIGNUPS",
        default_value_t = true,
        action = clap::ArgAction::Set,
        help_heading = "Sign-in"
    )]
    pub oidc_allow_signups: bool,
    /// Take an e-mail address of which the provider never says whether it is verified (no `email_verified` at all, as
    /// with Microsoft Entra) for verified when somebody signs up, and for `--oidc-email-domain`. Accounts that exist
    /// are never linked by it. Safe only where the provider's administrators alone set addresses.
    #[arg(
        long,
        env = "BURSAR_OIDC_IGNORE_EMAIL_VERIFIED",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        help_heading = "Sign-in"
    )]
    pub oidc_ignore_email_verified: bool,
    /// Only people with a verified e-mail address of this domain sign in; several separated by commas, or the
    /// option several times.
    #[arg(
        long,
        env = "BURSAR_OIDC_EMAIL_DOMAIN",
        value_delimiter = ',',
        help_heading = "Sign-in"
    )]
    pub oidc_email_domain: Vec<String>,
    /// What the button says that leads to the provider.
    #[arg(
        long,
        env = "BURSAR_OIDC_SIGN_IN_TEXT",
        default_value = "OpenID Connect",
        help_heading = "Sign-in"
    )]
    pub oidc_sign_in_text: String,
    /// How long one answer of the provider may take.
    #[arg(
        long,
        env = "BURSAR_OIDC_TIMEOUT",
        default_value = "10s",
        value_parser = duration,
        help_heading = "Sign-in"
    )]
    pub oidc_timeout: Duration,
}

impl OidcOptions {
    /// Sign-in as the options say; `None` when they name no provider. The provider is asked nothing yet.
    ///
    /// # Errors
    /// Options that do not go together, a secret that cannot be read: with what to do about it.
    pub(crate) fn set_up(&self, access_url: Option<&Url>) -> anyhow::Result<Option<Oidc>> {
        let (Some(issuer), Some(client_id)) = (&self.oidc_issuer_url, &self.oidc_client_id) else {
            if self.oidc_issuer_url.is_some() || self.oidc_client_id.is_some() {
                bail!("sign-in needs both --oidc-issuer-url and --oidc-client-id");
            }
            return Ok(None);
        };
        let access_url = access_url.context(
            "sign-in needs to know where the identity provider sends people back to: \
             give the address that they reach this deployment at with --access-url",
        )?;
        let config = OidcConfig {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret: self.client_secret()?,
            scopes: words(&self.oidc_scopes),
            username_claim: self.oidc_username_claim.clone(),
            email_claim: self.oidc_email_claim.clone(),
            signups: if self.oidc_allow_signups {
                Signups::Allowed
            } else {
                Signups::Refused
            },
            unsaid_emails: if self.oidc_ignore_email_verified {
                UnsaidEmails::SignUp
            } else {
                UnsaidEmails::Refused
            },
            email_domains: words(&self.oidc_email_domain),
            sign_in_text: self.oidc_sign_in_text.clone(),
            access_url: access_url.clone(),
            timeout: self.oidc_timeout,
        };
        let oidc = Oidc::new(config)
            .context("sign-in by OpenID Connect cannot be set up; look at --oidc-issuer-url")?;
        let redirect_uri = oidc.redirect_uri();
        tracing::info!(issuer, %redirect_uri, "people sign in by OpenID Connect");
        if in_clear(issuer) {
            tracing::warn!(
                issuer,
                "the identity provider is reached without encryption: whoever listens on the way can sign in as \
                 anybody; give its https address with --oidc-issuer-url"
            );
        }
        Ok(Some(oidc))
    }

    fn client_secret(&self) -> anyhow::Result<Option<SecretString>> {
        let Some(path) = &self.oidc_client_secret_file else {
            return Ok(None);
        };
        let secret = secret_file::line(path, "client secret")?;
        Ok(Some(secret.trim().into()))
    }
}

/// Whether an address is reached without encryption by way of a network. What is wrong with it is told elsewhere.
pub(crate) fn in_clear(address: &str) -> bool {
    let Ok(url) = address.parse::<Url>() else {
        return false;
    };
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !here
}

/// The words that are not empty.
fn words(given: &[String]) -> Vec<String> {
    let trimmed = given.iter().map(|word| word.trim());
    trimmed
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::cli::ServerOptions;

    use super::*;

    #[test]
    fn an_issuer_that_anybody_on_the_way_could_play_is_warned_about() {
        let check = |address: &str, warned| assert_eq!(in_clear(address), warned, "{address}");
        check("http://id.example", true);
        check("http://10.0.0.1:8080/realm", true);
        check("http://localhost.example", true);
        check("https://id.example", false);
        check("https://10.0.0.1", false);
        check("http://localhost:8080", false);
        check("http://id.localhost", false);
        check("http://127.0.0.2", false);
        check("http://[::1]:8080", false);
        check("id.example", false);
    }

    fn options(change: impl FnOnce(&mut OidcOptions)) -> OidcOptions {
        let mut options = ServerOptions::with_defaults().unwrap().oidc;
        options.oidc_issuer_url = Some("https://id.example".to_owned());
        options.oidc_client_id = Some("bursar".to_owned());
        change(&mut options);
        options
    }

    #[test]
    fn sign_in_is_off_until_a_provider_is_named() {
        let options = ServerOptions::with_defaults().unwrap().oidc;
        assert!(options.set_up(None).unwrap().is_none());
        assert_eq!(options.oidc_scopes, ["openid", "profile", "email"]);
    }

    #[test]
    fn a_failed_start_says_what_to_do() {
        let check = |change: fn(&mut OidcOptions), access_url: Option<&str>, part: &str| {
            let url = access_url.map(|url| url.parse::<Url>().unwrap());
            let error = options(change).set_up(url.as_ref()).unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(part), "{text}");
        };
        let here = Some("https://bursar.example");
        check(|_| {}, None, "--access-url");
        check(|o| o.oidc_client_id = None, here, "--oidc-client-id");
        check(
            |o| o.oidc_client_id = Some(String::new()),
            here,
            "client id",
        );
        check(|o| o.oidc_issuer_url = None, here, "--oidc-issuer-url");
        for bad in [
            "id.example",
            "ftp://id.example",
            "https://id.example?x",
            "https://a@id.example",
        ] {
            let issuer = Some(bad.to_owned());
            let url = here.map(|url| url.parse::<Url>().unwrap());
            let error = options(|o| o.oidc_issuer_url = issuer).set_up(url.as_ref());
            assert!(
                format!("{:#}", error.unwrap_err()).contains("--oidc-issuer-url"),
                "{bad}"
            );
        }
        check(
            |o| o.oidc_client_secret_file = Some("/nowhere/secret".into()),
            here,
            "`/nowhere/secret` cannot be read",
        );
    }

    #[test]
    fn the_secret_is_a_line_of_a_file() {
        let check = |content: &str, good: bool| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let path = file.path().to_owned();
            let options = options(|o| o.oidc_client_secret_file = Some(path));
            assert_eq!(options.client_secret().is_ok(), good, "{content:?}");
        };
        check("s3cret", true);
        check("s3cret\n", true);
        check("", false);
        check("\n", false);
        check("one\ntwo", false);
        check(&"x".repeat(17_000), false);
    }

    #[test]
    fn people_come_back_below_the_deployments_address() {
        let check = |access_url: &str, expected: &str| {
            let url = access_url.parse::<Url>().unwrap();
            let oidc = options(|_| {}).set_up(Some(&url)).unwrap().unwrap();
            assert_eq!(oidc.redirect_uri().as_str(), expected);
        };
        check(
            "https://bursar.example",
            "https://bursar.example/api/v2/users/oidc/callback",
        );
        check(
            "https://a.example/b/?x#y",
            "https://a.example/b/api/v2/users/oidc/callback",
        );
    }
}
