//! The options of where budget caps live.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use model::{
    Clock,
    caps::{CapFailure, CapTrust},
};
use portal::{AdminCredentials, BreakerPolicy, Licence, Portal, PortalConfig};
use url::Url;

use super::PortalPlace;
use crate::{
    cli::{cap_refresh, portal_timeout, word},
    oidc::in_clear,
    secret_file,
};

/// Where budget caps live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CapsSource {
    /// In the database of this deployment.
    Local,
    /// At a customers portal; the database has a mirror of them.
    Portal,
}

/// Where budget caps live, and how a customers portal is asked for them.
#[derive(Debug, Clone, Args)]
pub struct CapsPlaceOptions {
    /// Where budget caps live: in the database of this deployment, or at a customers portal. The same for all servers.
    #[arg(
        long,
        env = "BURSAR_CAPS_SOURCE",
        default_value = "local",
        help_heading = "Caps at a portal"
    )]
    pub caps_source: CapsSource,
    /// The whole address of the portal's GraphQL endpoint.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_URL",
        value_name = "URL",
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_url: Option<Url>,
    /// Who asks for the caps of organizations: the address that is sent as `X-Admin-Email`. Without it they have none.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_ADMIN_EMAIL",
        value_name = "ADDRESS",
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_admin_email: Option<String>,
    /// File with the token that is sent as `X-Admin-Token`.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_ADMIN_TOKEN_FILE",
        value_name = "FILE",
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_admin_token_file: Option<PathBuf>,
    /// File with the licence key by which the whole deployment's caps are asked for. Without it there are none.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_LICENCE_FILE",
        value_name = "FILE",
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_licence_file: Option<PathBuf>,
    /// The id that the portal knows this deployment by where it is asked who is stopped. Goes with the licence.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_INSTANCE_ID",
        value_name = "ID",
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_instance_id: Option<String>,
    /// The id that the portal knows this deployment by where people's own caps are set, of which one licence may have
    /// several. Goes with the licence.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_UNIQUE_INSTANCE_ID",
        value_name = "ID",
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_unique_instance_id: Option<String>,
    /// How often each subscription's caps are read from the portal: from 1s to 60s.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_REFRESH",
        default_value = "5s",
        value_parser = cap_refresh,
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_refresh: Duration,
    /// How long the portal may take for one answer: from 100ms to 60s. A page of a read may take three times that with all its
    /// attempts, and a read with all its pages two minutes, or as long as a page if that is more; a portal that fails again
    /// and again is left alone for twice that.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_TIMEOUT",
        default_value = "5s",
        value_parser = portal_timeout,
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_timeout: Duration,
    /// What holds when the caps of a subscription could not be read for ten minutes: `closed` admits no request that they
    /// might stop, `open` admits all as if there were none.
    #[arg(
        long,
        env = "BURSAR_CAPS_PORTAL_FAILURE",
        default_value = "closed",
        value_parser = word::<CapFailure>,
        help_heading = "Caps at a portal"
    )]
    pub caps_portal_failure: CapFailure,
}

impl CapsPlaceOptions {
    /// The portal that the options name; `None` when caps live here. It is asked nothing yet.
    ///
    /// # Errors
    /// Options that do not go together, a secret that cannot be read: with what to do about it.
    pub(crate) fn set_up(&self, clock: Arc<dyn Clock>) -> anyhow::Result<Option<PortalPlace>> {
        if self.caps_source == CapsSource::Local {
            if self.speaks_of_a_portal() {
                tracing::warn!(
                    "caps live in the database of this deployment, so that the options of the portal say nothing: to \
                     have them at the portal, give --caps-source portal"
                );
            }
            return Ok(None);
        }
        let url = self.caps_portal_url.clone().context(
            "caps at a portal need its address: give that of its GraphQL endpoint with --caps-portal-url",
        )?;
        let timeout = self.caps_portal_timeout;
        let usual = PortalConfig::new(url.clone());
        let config = PortalConfig {
            admin: self.admin()?,
            licence: self.licence()?,
            connect_timeout: usual.connect_timeout.min(timeout),
            timeout,
            deadline: timeout.saturating_mul(3),
            longest: usual.longest.max(timeout.saturating_mul(3)),
            breaker: BreakerPolicy {
                open_for: timeout.saturating_mul(2),
                ..usual.breaker
            },
            ..usual
        };
        let trust = CapTrust {
            max_age: CapTrust::MAX_AGE,
            failure: self.caps_portal_failure,
            instance: config.licence.is_some(),
            organizations: config.admin.is_some(),
        };
        if !trust.instance && !trust.organizations {
            bail!(
                "caps at a portal need to say who asks for them: give --caps-portal-admin-email and \
                 --caps-portal-admin-token-file for the caps of organizations, or --caps-portal-licence-file, \
                 --caps-portal-instance-id and --caps-portal-unique-instance-id for those of the whole deployment"
            );
        }
        let portal = Portal::new(config, clock).context(
            "the portal of caps cannot be set up; look at --caps-portal-url and --caps-portal-admin-email",
        )?;
        let CapTrust {
            instance,
            organizations,
            failure,
            ..
        } = trust;
        tracing::info!(%url, instance, organizations, %failure, "caps live at a customers portal");
        if in_clear(url.as_str()) {
            tracing::warn!(
                %url,
                "the portal of caps is reached without encryption: whoever listens on the way learns the secrets that it \
                 is asked with, and can set caps; give its https address with --caps-portal-url"
            );
        }
        Ok(Some(PortalPlace {
            portal,
            trust,
            refresh: self.caps_portal_refresh,
        }))
    }

    const fn speaks_of_a_portal(&self) -> bool {
        self.caps_portal_url.is_some()
            || self.caps_portal_admin_email.is_some()
            || self.caps_portal_admin_token_file.is_some()
            || self.caps_portal_licence_file.is_some()
            || self.caps_portal_instance_id.is_some()
            || self.caps_portal_unique_instance_id.is_some()
    }

    /// Who asks for the caps of organizations.
    fn admin(&self) -> anyhow::Result<Option<AdminCredentials>> {
        let given = (
            &self.caps_portal_admin_email,
            &self.caps_portal_admin_token_file,
        );
        let (email, token) = match given {
            (None, None) => return Ok(None),
            (Some(email), Some(token)) => (email, token),
            (Some(_), None) => bail!(
                "to ask the portal for the caps of organizations give its admin token with --caps-portal-admin-token-file, too"
            ),
            (None, Some(_)) => bail!(
                "to ask the portal for the caps of organizations give whose the token is with --caps-portal-admin-email, too"
            ),
        };
        let token = secret_file::line(token, "admin token of the portal")?;
        Ok(Some(AdminCredentials {
            email: email.clone(),
            token: token.into(),
        }))
    }

    /// Who asks for the whole deployment's caps.
    fn licence(&self) -> anyhow::Result<Option<Licence>> {
        let given = (
            &self.caps_portal_licence_file,
            &self.caps_portal_instance_id,
            &self.caps_portal_unique_instance_id,
        );
        let (file, instance_id, unique_instance_id) = match given {
            (None, None, None) => return Ok(None),
            (Some(file), Some(instance), Some(unique)) => (file, instance, unique),
            (None, ..) => bail!(
                "the ids of the instance at the portal say nothing without a licence: give --caps-portal-licence-file, too"
            ),
            (Some(_), None, _) => bail!(
                "to ask the portal by a licence give the id that it knows this deployment by with --caps-portal-instance-id"
            ),
            (Some(_), Some(_), None) => bail!(
                "to ask the portal by a licence give the id that people's own caps are set for with \
                 --caps-portal-unique-instance-id"
            ),
        };
        // A key may be of several lines.
        let text = secret_file::read(file, "licence")?;
        let key = text.trim();
        if key.is_empty() {
            bail!("the licence file `{}` is empty", file.display());
        }
        Ok(Some(Licence {
            key: key.into(),
            instance_id: instance_id.clone(),
            unique_instance_id: unique_instance_id.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use model::SystemClock;
    use tempfile::NamedTempFile;

    use crate::cli::ServerOptions;

    use super::*;

    fn file(content: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }

    /// A portal that is asked for all caps, as far as `change` leaves it so.
    fn set_up(change: impl FnOnce(&mut CapsPlaceOptions)) -> anyhow::Result<Option<PortalPlace>> {
        let (token, licence) = (file("t0ken\n"), file("l1cence\nof two lines\n"));
        let mut options = ServerOptions::with_defaults().unwrap().caps_place;
        options.caps_source = CapsSource::Portal;
        options.caps_portal_url = Some("https://portal.example/graphql".parse().unwrap());
        options.caps_portal_admin_email = Some("admin@example.com".to_owned());
        options.caps_portal_admin_token_file = Some(token.path().to_owned());
        options.caps_portal_licence_file = Some(licence.path().to_owned());
        options.caps_portal_instance_id = Some("one".to_owned());
        options.caps_portal_unique_instance_id = Some("one of us".to_owned());
        change(&mut options);
        options.set_up(Arc::new(SystemClock))
    }

    #[test]
    fn caps_live_here_until_somebody_says_otherwise() {
        let options = ServerOptions::with_defaults().unwrap().caps_place;
        assert!(options.set_up(Arc::new(SystemClock)).unwrap().is_none());
        let prepared = set_up(|o| o.caps_source = CapsSource::Local).unwrap();
        assert!(prepared.is_none());
        assert_eq!(options.caps_portal_refresh, Duration::from_secs(5));
    }

    #[test]
    fn what_is_covered_is_what_somebody_can_ask_for() {
        let check = |change: fn(&mut CapsPlaceOptions), instance, organizations| {
            let place = set_up(change).unwrap().unwrap();
            let trust = CapTrust {
                max_age: Duration::from_secs(600),
                failure: CapFailure::Closed,
                instance,
                organizations,
            };
            assert_eq!(place.trust, trust);
            let shown = format!("{place:?}");
            assert!(!shown.contains("t0ken") && !shown.contains("l1cence"));
        };
        check(|_| {}, true, true);
        let without_admin = |o: &mut CapsPlaceOptions| {
            o.caps_portal_admin_email = None;
            o.caps_portal_admin_token_file = None;
        };
        check(without_admin, true, false);
        check(without_licence, false, true);
    }

    fn without_licence(options: &mut CapsPlaceOptions) {
        options.caps_portal_licence_file = None;
        options.caps_portal_instance_id = None;
        options.caps_portal_unique_instance_id = None;
    }

    #[test]
    fn a_failed_start_says_what_to_do() {
        let check = |change: fn(&mut CapsPlaceOptions), part: &str| {
            let text = format!("{:#}", set_up(change).unwrap_err());
            assert!(text.contains(part), "{text}");
            assert!(!text.contains("t0ken") && !text.contains("l1cence"));
        };
        check(|o| o.caps_portal_url = None, "--caps-portal-url");
        let elsewhere = |o: &mut CapsPlaceOptions| {
            o.caps_portal_url = Some("ftp://portal.example".parse().unwrap());
        };
        check(elsewhere, "--caps-portal-url");
        let metadata = |o: &mut CapsPlaceOptions| {
            o.caps_portal_url = Some("http://169.254.169.254/".parse().unwrap());
        };
        check(metadata, "--caps-portal-url");
        check(
            |o| o.caps_portal_admin_email = None,
            "--caps-portal-admin-email",
        );
        let unsendable = |o: &mut CapsPlaceOptions| {
            o.caps_portal_admin_email = Some("a\nb".to_owned());
        };
        check(unsendable, "--caps-portal-admin-email");
        check(
            |o| o.caps_portal_admin_token_file = None,
            "--caps-portal-admin-token-file",
        );
        check(
            |o| o.caps_portal_admin_token_file = Some("/nowhere/token".into()),
            "`/nowhere/token` cannot be read",
        );
        check(
            |o| o.caps_portal_licence_file = None,
            "--caps-portal-licence-file",
        );
        check(
            |o| o.caps_portal_licence_file = Some("/dev/null".into()),
            "`/dev/null` is empty",
        );
        check(
            |o| o.caps_portal_instance_id = None,
            "--caps-portal-instance-id",
        );
        check(
            |o| o.caps_portal_unique_instance_id = None,
            "--caps-portal-unique-instance-id",
        );
        let nobody = |o: &mut CapsPlaceOptions| {
            without_licence(o);
            o.caps_portal_admin_email = None;
            o.caps_portal_admin_token_file = None;
        };
        check(nobody, "who asks for them");
    }
}
