//! What is sent, byte for byte.

use fakeportal::{ADMIN_EMAIL, ADMIN_TOKEN, LICENCE_KEY};
use portal::{PortalDates, PortalError, PortalScope};
use serde_json::{Value, value::RawValue};

use crate::rig::{Operation, Rig, cap, namespace, own};

/// A body as it was written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    query: String,
    variables: Box<RawValue>,
}

impl Rig {
    fn sent(&self) -> Sent {
        serde_json::from_str(&self.fake.received().last().unwrap().body).unwrap()
    }
}

/// Does everything in a scope, and gives what was sent each time.
async fn everything(rig: &Rig, scope: &PortalScope) -> Vec<Sent> {
    let dates = PortalDates {
        start: "2026-04-01".parse().unwrap(),
        end: "2026-04-30".parse().unwrap(),
    };
    let ids = ["7".to_owned(), "8".to_owned()];
    let overrides = [own("7", 300_000_000, true), own("8", 100_000, false)];
    let portal = &rig.portal;
    let mut sent = Vec::new();
    let flat = cap(1, true);
    portal.flat_user_cap_upsert(scope, flat).await.unwrap();
    sent.push(rig.sent());
    let bulk = portal.user_overrides_upsert(scope, &overrides).await;
    assert_eq!(bulk.unwrap().len(), 2);
    sent.push(rig.sent());
    portal.budget_caps(scope).await.unwrap();
    sent.push(rig.sent());
    portal.user_overrides(scope, &ids).await.unwrap();
    sent.push(rig.sent());
    let statuses = portal.blocked_statuses(scope, Some(dates), &ids);
    assert_eq!(statuses.await.unwrap().len(), 2);
    sent.push(rig.sent());
    let statuses = portal.blocked_statuses(scope, None, &ids);
    assert_eq!(statuses.await.unwrap().len(), 2);
    sent.push(rig.sent());
    sent
}

#[tokio::test]
async fn a_namespace_is_asked_for_by_its_id_and_as_admin() {
    let rig = Rig::new().await;
    let sent = everything(&rig, &namespace()).await;
    let expected = [
        r#"{"input":{"namespaceId":"42","flatUserCap":0.000001,"flatUserCapEnabled":true}}"#,
        r#"{"input":{"namespaceId":"42","overrides":[{"entityId":"7","capAmount":300,"enabled":true},{"entityId":"8","capAmount":0.1,"enabled":false}]}}"#,
        r#"{"namespaceId":"42","first":100}"#,
        r#"{"namespaceId":"42","entityIds":["7","8"],"first":100}"#,
        r#"{"namespaceId":"42","startDate":"2026-04-01","endDate":"2026-04-30","entityIds":["7","8"]}"#,
        r#"{"namespaceId":"42","entityIds":["7","8"]}"#,
    ];
    let variables: Vec<&str> = sent.iter().map(|one| one.variables.get()).collect();
    assert_eq!(variables, expected);
    for asked in rig.fake.received() {
        assert_eq!(asked.headers["x-admin-email"], ADMIN_EMAIL);
        assert_eq!(asked.headers["x-admin-token"], ADMIN_TOKEN);
        assert_eq!(asked.headers["content-type"], "application/json");
        assert_eq!(asked.headers["accept"], "application/json");
        let agent = asked.headers["user-agent"].to_str().unwrap();
        assert!(agent.starts_with("bursar/"), "{agent}");
        assert!(!asked.body.contains("licenseKey\":"));
    }
}

#[tokio::test]
async fn the_instance_is_asked_for_by_its_licence_alone() {
    let rig = Rig::new().await;
    let sent = everything(&rig, &PortalScope::Instance).await;
    let key = serde_json::to_string(LICENCE_KEY).unwrap();
    let expected = [
        // The cap is the subscription's, so nothing is said of the instance.
        format!(
            r#"{{"input":{{"licenseKey":{key},"flatUserCap":0.000001,"flatUserCapEnabled":true}}}}"#
        ),
        format!(
            r#"{{"input":{{"licenseKey":{key},"uniqueInstanceId":"unique-1","overrides":[{{"entityId":"7","capAmount":300,"enabled":true}},{{"entityId":"8","capAmount":0.1,"enabled":false}}]}}}}"#
        ),
        format!(r#"{{"licenseKey":{key},"first":100}}"#),
        format!(r#"{{"licenseKey":{key},"entityIds":["7","8"],"first":100}}"#),
        format!(
            r#"{{"instanceId":"instance-1","licenseKey":{key},"startDate":"2026-04-01","endDate":"2026-04-30","entityIds":["7","8"]}}"#
        ),
        format!(r#"{{"instanceId":"instance-1","licenseKey":{key},"entityIds":["7","8"]}}"#),
    ];
    let variables: Vec<&str> = sent.iter().map(|one| one.variables.get()).collect();
    assert_eq!(variables, expected);
    for asked in rig.fake.received() {
        assert!(!asked.headers.contains_key("x-admin-email"));
        assert!(!asked.headers.contains_key("x-admin-token"));
        assert!(!asked.body.contains("\"namespaceId\":"));
    }
}

#[tokio::test]
async fn only_variables_that_the_document_declares_are_sent() {
    for scope in [namespace(), PortalScope::Instance] {
        let rig = Rig::new().await;
        for Sent { query, variables } in everything(&rig, &scope).await {
            let (head, selection) = query.split_once(" { ").unwrap();
            let names: serde_json::Map<String, Value> =
                serde_json::from_str(variables.get()).unwrap();
            for (name, value) in names {
                assert!(head.contains(&format!("${name}: ")), "{name} in {query}");
                assert!(!value.is_null(), "{name} in {query}");
            }
            // And what is declared is used, which servers insist on.
            for declared in head.split('$').skip(1) {
                let name = declared.split(':').next().unwrap();
                assert!(selection.contains(&format!("${name}")), "{name} in {query}");
            }
            let opened = query.matches('{').count();
            assert_eq!(opened, query.matches('}').count(), "{query}");
        }
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_asked() {
    let check = async |admin: bool, licence: bool, scope: PortalScope, good: bool| {
        let rig = Rig::with(|config| {
            config.admin.take_if(|_| !admin);
            config.licence.take_if(|_| !licence);
        });
        let rig = rig.await;
        let asked = rig.portal.budget_caps(&scope).await;
        assert_eq!(asked.is_ok(), good, "{scope:?}");
        assert_eq!(rig.fake.count(), usize::from(good), "{scope:?}");
        if let Err(error) = asked {
            assert!(matches!(error, PortalError::NoCredentials));
            assert_eq!(error.code(), "PORTAL_NO_CREDENTIALS");
        }
    };
    check(true, false, namespace(), true).await;
    check(false, true, namespace(), false).await;
    check(false, true, PortalScope::Instance, true).await;
    check(true, false, PortalScope::Instance, false).await;
}

#[tokio::test]
async fn wrong_credentials_are_a_refusal() {
    let rig = Rig::with(|config| {
        config.admin.as_mut().unwrap().token = "another".into();
    });
    let rig = rig.await;
    for operation in Operation::all() {
        let error = rig.run(operation).await.unwrap_err();
        let refused = matches!(error, PortalError::Refused { status: 401, .. });
        assert!(refused, "{operation:?} {error:?}");
    }
    assert_eq!(rig.fake.count(), 5);
}
