//! Portals that are slow, gone, cut off, or that never end.

use std::{
    error::Error,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use fakeportal::{Own, Place, Way};
use futures_util::future::join_all;
use model::SystemClock;
use portal::{Malformation, Portal, PortalConfig, PortalError};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    sync::{Notify, mpsc},
};

use crate::rig::{Operation, Rig, cap, config, namespace};

/// Short enough to be waited for, and long enough for a request to arrive on a busy machine.
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn silence_ends_in_time() {
    let rig = Rig::with(|config| config.timeout = SHORT).await;
    for (way, attempts) in [(Way::Never, 11), (Way::Half, 22)] {
        rig.fake.always(way.clone());
        let all = Operation::all().map(|operation| rig.run(operation));
        for answered in join_all(all).await {
            let error = answered.unwrap_err();
            assert!(matches!(error, PortalError::TimedOut), "{error:?}");
            assert_eq!(error.code(), "PORTAL_TIMED_OUT");
        }
        // Three reads are tried three times, two writes once.
        assert_eq!(rig.fake.count(), attempts, "{way:?}");
    }
}

#[tokio::test]
async fn a_read_ends_in_time_with_all_its_attempts() {
    let rig = Rig::with(|config| config.deadline = SHORT).await;
    rig.fake.always(Way::Never);
    let all = Operation::READS.map(|operation| rig.run(operation));
    for answered in join_all(all).await {
        let error = answered.unwrap_err();
        assert!(matches!(error, PortalError::TimedOut), "{error:?}");
    }
    assert_eq!(rig.fake.count(), 3);
}

/// Every page has its time, so that many of them may take longer than one, but not for ever.
#[tokio::test]
async fn many_slow_pages_are_read_to_their_end_or_to_that_of_patience() {
    let rig = |longest| async move {
        let change = |config: &mut PortalConfig| {
            (config.deadline, config.longest) = (SHORT * 2, longest);
        };
        let rig = Rig::with(change).await;
        rig.fake.books().page = 1;
        rig.keeps(|kept| {
            kept.recorded = true;
            let own = |number: u32| Own::new(number.to_string(), "1", true);
            kept.overrides = (0..12).map(own).collect();
        });
        rig.fake.always(Way::Slow(SHORT / 4));
        rig
    };
    let patient = rig(Duration::from_secs(60)).await;
    let begun = Instant::now();
    assert_eq!(patient.read().await.unwrap().overrides.len(), 12);
    assert!(begun.elapsed() > SHORT * 2);
    let hurried = rig(SHORT * 2).await;
    let error = hurried.read().await.unwrap_err();
    assert!(matches!(error, PortalError::TimedOut), "{error:?}");
    assert!(hurried.fake.count() > 1);
}

#[tokio::test]
async fn slow_answers_are_waited_for() {
    let rig = Rig::new().await;
    let told = Arc::new(Notify::new());
    rig.fake.always(Way::Late(Arc::clone(&told)));
    let answered = async {
        rig.fake.wait_for(1).await;
        told.notify_one();
    };
    let (read, ()) = tokio::join!(rig.read(), answered);
    read.unwrap();
    assert_eq!(rig.fake.count(), 1);
}

#[tokio::test]
async fn broken_connections_are_told() {
    let rig = Rig::new().await;
    for way in [Way::Cut, Way::Reset, Way::DoneReset] {
        rig.fake.always(way.clone());
        for operation in Operation::all() {
            let error = rig.run(operation).await.unwrap_err();
            let unreachable = matches!(error, PortalError::Unreachable(_));
            assert!(unreachable, "{way:?} {operation:?} {error:?}");
            assert_eq!(error.code(), "PORTAL_UNREACHABLE");
        }
    }
}

#[tokio::test]
async fn a_write_that_got_no_answer_may_have_been_done() {
    for (way, done) in [
        (Way::DoneReset, true),
        (Way::Cut, true),
        (Way::status(502), true),
        (Way::Reset, false),
        (Way::Errors(Place::Top, "no".to_owned()), false),
    ] {
        let rig = Rig::new().await;
        rig.fake.next([way.clone()]);
        rig.run(Operation::Flat).await.unwrap_err();
        let read = rig.read().await.unwrap();
        assert_eq!(read.subscription.is_some(), done, "{way:?}");
    }
}

/// A client of this address.
fn client(url: &str) -> Portal {
    Portal::new(config(url), Arc::new(SystemClock)).unwrap()
}

async fn check_unreachable(portal: &Portal) -> PortalError {
    let error = portal.budget_caps(&namespace()).await.unwrap_err();
    assert!(matches!(error, PortalError::Unreachable(_)), "{error:?}");
    let written = portal
        .flat_user_cap_upsert(&namespace(), cap(1, true))
        .await;
    let error = written.unwrap_err();
    assert!(matches!(error, PortalError::Unreachable(_)), "{error:?}");
    error
}

/// What an error says with all that led to it.
fn chain(error: &PortalError) -> String {
    let mut said = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        said = format!("{said} {error}");
        source = error.source();
    }
    said
}

#[tokio::test]
async fn connections_that_close_without_a_word_are_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (taken, mut count) = mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 16];
            let read = stream.read(&mut some).await;
            if taken.send(read.is_ok()).is_err() {
                return;
            }
        }
    });
    check_unreachable(&client(&format!("http://{address}/graphql"))).await;
    server.abort();
    // Three times for the read and once for the write.
    let mut connections = 0;
    while count.recv().await.is_some() {
        connections += 1;
    }
    assert_eq!(connections, 4);
}

#[tokio::test]
async fn nobody_there_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = check_unreachable(&client(&format!("http://{address}/secret-path"))).await;
    // The address is a site owner's to know.
    assert!(!chain(&error).contains("secret-path"), "{}", chain(&error));
}

#[tokio::test]
async fn tls_with_one_who_speaks_none_is_told() {
    let rig = Rig::new().await;
    let port = rig.fake.port();
    check_unreachable(&client(&format!("https://127.0.0.1:{port}/graphql"))).await;
    assert_eq!(rig.fake.count(), 0);
}

#[tokio::test]
async fn answers_have_a_greatest_size() {
    let most = 10_000;
    let rig = Rig::with(|config| config.answer_max_bytes = most).await;
    rig.keeps(|kept| kept.recorded = true);
    let check = async |way: Way, good: bool| {
        for operation in Operation::all() {
            let before = rig.fake.count();
            rig.fake.always(way.clone());
            let answered = rig.run(operation).await;
            assert_eq!(answered.is_ok(), good, "{operation:?} {way:?} {answered:?}");
            if let Err(error) = answered {
                let large = matches!(error, PortalError::Malformed(Malformation::TooLarge));
                assert!(large, "{error:?}");
            }
            // It would be as large the next time.
            assert_eq!(rig.fake.count(), before + 1);
        }
    };
    for announced in [true, false] {
        let long = |bytes| Way::Long { bytes, announced };
        check(long(most), true).await;
        check(long(most + 1), false).await;
        check(long(most * 100), false).await;
    }
    check(Way::Endless, false).await;
    // It is not waited for.
    check(Way::Announced(most + 1), false).await;
}

#[tokio::test]
async fn nested_answers_do_no_harm() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(40_000), close.repeat(40_000));
    let (lists, objects) = (
        deep("[", "]"),
        format!("{}1{}", r#"{"a":"#.repeat(40_000), "}".repeat(40_000)),
    );
    let rig = Rig::new().await;
    let check = async |body: String, good: bool| {
        rig.fake.always(Way::Body(body));
        let read = rig.read().await;
        assert_eq!(read.is_ok(), good, "{read:?}");
        if let Err(error) = read {
            assert_eq!(error.code(), "PORTAL_MALFORMED");
        }
    };
    for nested in [lists, objects] {
        check(nested.clone(), false).await;
        check(format!(r#"{{"data":{nested}}}"#), false).await;
        check(format!(r#"{{"errors":{nested}}}"#), false).await;
        check(format!(r#"{{"data":{{"errors":{nested}}}}}"#), false).await;
        check(format!(r#"{{"data":{{"subscription":{nested}}}}}"#), false).await;
        // What nobody asked for is passed over.
        check(
            format!(
                r#"{{"data":{{"subscription":{{"budgetControls":null}},"more":{nested}}},"extensions":{nested}}}"#
            ),
            true,
        )
        .await;
    }
}
