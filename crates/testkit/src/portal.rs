//! A customers portal for servers whose caps live there: a fake one, and the files with what they ask it with.

use std::{fs, path::PathBuf, time::Duration};

use bursar::{
    caps::{CapsPlaceOptions, CapsSource},
    cli,
};
use fakeportal::{ADMIN_EMAIL, ADMIN_TOKEN, FakePortal, LICENCE_KEY};
use tempfile::TempDir;

/// A fake portal, and what servers ask it with.
#[derive(Debug)]
pub struct TestPortal {
    /// The portal.
    pub fake: FakePortal,
    folder: TempDir,
}

impl TestPortal {
    /// The licence that servers ask by, which the portal knows.
    #[must_use]
    pub fn licence() -> &'static str {
        // Servers leave out the end of the file's last line.
        LICENCE_KEY.trim()
    }

    /// A portal that behaves and keeps nothing yet.
    ///
    /// # Errors
    /// When it cannot listen, or the files cannot be written.
    pub async fn start() -> anyhow::Result<Self> {
        let portal = Self {
            fake: FakePortal::start().await?,
            folder: tempfile::tempdir()?,
        };
        portal.fake.books().licence(Self::licence());
        fs::write(portal.file("token"), ADMIN_TOKEN)?;
        fs::write(portal.file("licence"), LICENCE_KEY)?;
        Ok(portal)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The options of a server whose caps live there, the deployment's and those of organizations, and which reads them
    /// so often.
    ///
    /// # Errors
    /// When there are no defaults.
    pub fn options(&self, refresh: Duration) -> anyhow::Result<CapsPlaceOptions> {
        let mut options = cli::ServerOptions::with_defaults()?.caps_place;
        options.caps_source = CapsSource::Portal;
        options.caps_portal_url = Some(self.fake.url().parse()?);
        options.caps_portal_admin_email = Some(ADMIN_EMAIL.to_owned());
        options.caps_portal_admin_token_file = Some(self.file("token"));
        options.caps_portal_licence_file = Some(self.file("licence"));
        options.caps_portal_instance_id = Some("instance-1".to_owned());
        options.caps_portal_unique_instance_id = Some("unique-1".to_owned());
        options.caps_portal_refresh = refresh;
        // What hangs is given up soon, and what failed is soon asked again.
        options.caps_portal_timeout = Duration::from_secs(2);
        Ok(options)
    }
}
