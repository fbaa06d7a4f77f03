//! The options of telling people and programs besides the inbox: webhooks and mail.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use model::addresses::Reach;
use notifier::{Mail, MailConfig, MailTls, NotifierConfig};
use secrecy::SecretString;

use crate::secret_file;

/// How the way to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SmtpTls {
    /// Not at all: for a server on this machine.
    None,
    /// From the command `STARTTLS` on.
    Starttls,
    /// From the beginning.
    Implicit,
}

impl SmtpTls {
    /// The port that is usual for it.
    const fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::Starttls => 587,
            Self::Implicit => 465,
        }
    }
}

/// How people and programs are told besides the inbox.
#[derive(Debug, Clone, Args)]
pub struct NotificationOptions {
    /// Let webhooks go to this machine and to private networks. Link-local and metadata addresses stay refused.
    #[arg(
        long,
        env = "BURSAR_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        help_heading = "Notifications"
    )]
    pub webhooks_allow_private_addresses: bool,
    /// The mail server that messages to people are handed to, by name or address; without one no mail is sent.
    #[arg(
        long,
        env = "BURSAR_SMTP_HOST",
        value_name = "HOST",
        help_heading = "Notifications"
    )]
    pub smtp_host: Option<String>,
    /// The mail server's port [default: 587, 465 for implicit TLS, 25 without].
    #[arg(
        long,
        env = "BURSAR_SMTP_PORT",
        value_name = "PORT",
        help_heading = "Notifications"
    )]
    pub smtp_port: Option<u16>,
    /// How the way to the mail server is encrypted. What is asked for is never given up.
    #[arg(
        long,
        env = "BURSAR_SMTP_TLS",
        default_value = "starttls",
        help_heading = "Notifications"
    )]
    pub smtp_tls: SmtpTls,
    /// The name to sign in to the mail server with; without one nobody signs in.
    #[arg(
        long,
        env = "BURSAR_SMTP_USER",
        value_name = "NAME",
        help_heading = "Notifications"
    )]
    pub smtp_user: Option<String>,
    /// File with the password to sign in to the mail server with.
    #[arg(
        long,
        env = "BURSAR_SMTP_PASSWORD_FILE",
        value_name = "FILE",
        help_heading = "Notifications"
    )]
    pub smtp_password_file: Option<PathBuf>,
    /// Who mails come from: `bursar@example.com` or `Bursar <bursar@example.com>`.
    #[arg(
        long,
        env = "BURSAR_SMTP_FROM",
        value_name = "ADDRESS",
        help_heading = "Notifications"
    )]
    pub smtp_from: Option<String>,
    /// What this server calls itself when it greets the mail server [default: the domain that mails come from].
    #[arg(
        long,
        env = "BURSAR_SMTP_HELLO",
        value_name = "NAME",
        help_heading = "Notifications"
    )]
    pub smtp_hello: Option<String>,
}

impl NotificationOptions {
    /// How far webhooks may go.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        if self.webhooks_allow_private_addresses {
            Reach::Private
        } else {
            Reach::Public
        }
    }

    /// What the options say.
    ///
    /// # Errors
    /// Options that do not go together, a password that cannot be read: with what to do about it.
    pub(crate) fn config(&self) -> anyhow::Result<NotifierConfig> {
        Ok(NotifierConfig {
            webhooks: self.reach(),
            mail: self.mail()?,
            ..NotifierConfig::default()
        })
    }

    fn mail(&self) -> anyhow::Result<Option<Mail>> {
        let (Some(host), Some(from)) = (&self.smtp_host, &self.smtp_from) else {
            if self.smtp_host.is_some() || self.smtp_from.is_some() || self.smtp_user.is_some() {
                bail!("mail needs both --smtp-host and --smtp-from");
            }
            return Ok(None);
        };
        let port = self.smtp_port.unwrap_or(self.smtp_tls.port());
        let mail = Mail::new(MailConfig {
            host: host.clone(),
            port,
            tls: match self.smtp_tls {
                SmtpTls::None => MailTls::None,
                SmtpTls::Starttls => MailTls::StartTls,
                SmtpTls::Implicit => MailTls::Implicit,
            },
            sign_in: self.sign_in()?,
            from: from.clone(),
            hello: self.smtp_hello.clone(),
        })
        .context(
            "mail cannot be set up; look at --smtp-from, --smtp-hello, --smtp-user and --smtp-tls",
        )?;
        tracing::info!(host, port, from, "messages to people also go by mail");
        Ok(Some(mail))
    }

    fn sign_in(&self) -> anyhow::Result<Option<(String, SecretString)>> {
        let (user, path) = match (&self.smtp_user, &self.smtp_password_file) {
            (None, None) => return Ok(None),
            (Some(user), Some(path)) => (user, path),
            _ => bail!(
                "to sign in to the mail server give both --smtp-user and --smtp-password-file"
            ),
        };
        let password = secret_file::line(path, "mail password")?;
        Ok(Some((user.clone(), password.into())))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::cli::ServerOptions;

    use super::*;

    fn options(change: impl FnOnce(&mut NotificationOptions)) -> NotificationOptions {
        let mut options = ServerOptions::with_defaults().unwrap().notifications;
        options.smtp_host = Some("mail.example".to_owned());
        options.smtp_from = Some("Bursar <bursar@example.com>".to_owned());
        change(&mut options);
        options
    }

    #[test]
    fn nothing_is_mailed_and_webhooks_stay_outside_until_somebody_says_so() {
        let options = ServerOptions::with_defaults().unwrap().notifications;
        let config = options.config().unwrap();
        assert!(config.mail.is_none());
        assert_eq!(config.webhooks, Reach::Public);
        assert!(self::options(|_| {}).config().unwrap().mail.is_some());
    }

    #[test]
    fn a_failed_start_says_what_to_do() {
        let check = |change: fn(&mut NotificationOptions), part: &str| {
            let error = options(change).config().unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(part), "{text}");
        };
        check(|o| o.smtp_host = None, "--smtp-host");
        check(|o| o.smtp_from = None, "--smtp-from");
        check(|o| o.smtp_from = Some("bursar".to_owned()), "`bursar`");
        check(|o| o.smtp_hello = Some("a\r\nb".to_owned()), "--smtp-hello");
        check(
            |o| o.smtp_user = Some("me".to_owned()),
            "--smtp-password-file",
        );
        check(
            |o| o.smtp_password_file = Some("/nowhere/secret".into()),
            "--smtp-user",
        );
        check(
            |o| {
                o.smtp_user = Some("me".to_owned());
                o.smtp_password_file = Some("/nowhere/secret".into());
            },
            "`/nowhere/secret` cannot be read",
        );
    }

    #[test]
    fn a_password_is_a_line_of_a_file_and_goes_nowhere_unencrypted() {
        let check = |content: &str, tls: SmtpTls, good: bool| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let path = file.path().to_owned();
            let options = options(|o| {
                o.smtp_user = Some("me".to_owned());
                o.smtp_password_file = Some(path);
                o.smtp_tls = tls;
            });
            let made = options.config();
            assert_eq!(made.is_ok(), good, "{content:?} {tls:?}");
            assert!(!format!("{made:?}").contains("s3cret"));
        };
        check("s3cret", SmtpTls::Starttls, true);
        check("s3cret\n", SmtpTls::Implicit, true);
        check("s3cret", SmtpTls::None, false);
        check("", SmtpTls::Starttls, false);
        check("s3cret\ntwo", SmtpTls::Starttls, false);
    }
}
