//! What the portal is asked with is in no answer and in no line of the log, whatever the portal says.

use std::{
    io,
    sync::{Arc, Mutex},
};

use fakeportal::{ADMIN_TOKEN, Place, Way};
use testkit::TestPortal;
use tracing::{Level, subscriber::set_default};

use super::{SELDOM, Stage};

/// Where the lines of the log go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_stay_where_they_belong() {
    let lines = Lines::default();
    let writer = lines.clone();
    // Everything happens on this thread.
    let _logging = set_default(
        tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(move || writer.clone())
            .finish(),
    );
    let stage = Stage::new(SELDOM).await;
    let mut said = vec![format!("{:?}", stage.options)];
    let key = TestPortal::licence().lines();
    let secrets: Vec<&str> = key.chain([ADMIN_TOKEN]).collect();
    for secret in &secrets {
        let text = format!("no access with {secret} today");
        let body = format!(r#"{{"data":{{"upsertBudgetCapSubscription":"{secret}"}}}}"#);
        for way in [
            Way::Errors(Place::Payload, text.clone()),
            Way::Errors(Place::Data, text.clone()),
            Way::Errors(Place::DataText, text.clone()),
            Way::Errors(Place::Top, text),
            Way::Status(401, "www-authenticate", (*secret).to_owned()),
            Way::Body(body),
            Way::Reset,
        ] {
            stage.portal.fake.next([way.clone()]);
            said.push(stage.set_flat(1.0).await.to_string());
            stage.stale().await;
            stage.portal.fake.next([way]);
            said.push(stage.all().await.to_string());
        }
    }
    said.push(String::from_utf8(lines.0.lock().unwrap().clone()).unwrap());
    let log = said.last().unwrap();
    assert!(log.contains("PORTAL_MALFORMED"), "nothing was logged");
    for text in &said {
        for secret in &secrets {
            let part = secret.get(..12).unwrap();
            assert!(!text.contains(part), "{part} is told");
        }
    }
}
