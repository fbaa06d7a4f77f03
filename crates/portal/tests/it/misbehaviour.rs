//! Answers that are errors, in every form that a portal has for them, and answers that are nothing of what was asked for.
//! Each is told as what it is, to whichever operation it happens, and shows nothing of what the portal wrote.

use fakeportal::{ADMIN_EMAIL, ADMIN_TOKEN, LICENCE_KEY, Way};
use portal::{Malformation, PortalError};

use crate::rig::{Operation, Rig, cap, namespace};

/// Something that is nobody's business but the portal's.
const INSIDE: &str = "PG::ConnectionBad at 10.1.2.3";

/// What an operation ends with when it is answered so: the code, and what is wrong.
async fn ends(rig: &Rig, operation: Operation, body: &str) -> PortalError {
    let before = rig.fake.count();
    rig.fake.next([Way::Body(body.to_owned())]);
    let error = rig.run(operation).await.expect_err(body);
    // None of these is worth a second try.
    assert_eq!(rig.fake.count(), before + 1, "{operation:?} {body}");
    let said = error.to_string();
    assert!(!said.contains("PG::"), "{said}");
    error
}

pub(crate) async fn check_malformed(
    rig: &Rig,
    operation: Operation,
    body: &str,
    how: &Malformation,
) {
    let error = ends(rig, operation, body).await;
    assert_eq!(error.code(), "PORTAL_MALFORMED");
    match error {
        PortalError::Malformed(found) => assert_eq!(&found, how, "{operation:?} {body}"),
        other => panic!("{operation:?} {body}: {other:?}"),
    }
}

#[tokio::test]
async fn errors_beside_the_data_or_in_it_are_no_success() {
    let rig = Rig::new().await;
    let details = || vec![INSIDE.to_owned()];
    let top = Malformation::TopLevelErrors { details: details() };
    let in_data = Malformation::DataErrors { details: details() };
    // What would be good data, but for the errors.
    let data = [
        r#""subscription":{"budgetControls":null,"gitlabCreditsUsage":{"blockedStatuses":{"nodes":[]}}}"#,
        r#""upsertBudgetCapSubscription":{"subscriptionBudgetCap":{"subscriptionName":"A","flatUserCap":1,"flatUserCapEnabled":true},"errors":[]}"#,
        r#""upsertUserBudgetCapsBulk":{"userBudgetCapOverrides":[],"errors":[]}"#,
    ]
    .join(",");
    for operation in Operation::all() {
        for (body, how) in [
            (
                format!(r#"{{"errors":[{{"message":"{INSIDE}"}}],"data":null}}"#),
                &top,
            ),
            (format!(r#"{{"errors":[{{"message":"{INSIDE}"}}]}}"#), &top),
            (
                format!(r#"{{"data":{{{data}}},"errors":[{{"message":"{INSIDE}"}}]}}"#),
                &top,
            ),
            (
                format!(r#"{{"data":{{{data}}},"errors":"{INSIDE}"}}"#),
                &top,
            ),
            (
                format!(r#"{{"data":{{{data},"errors":["{INSIDE}"]}}}}"#),
                &in_data,
            ),
            (format!(r#"{{"data":{{"errors":"{INSIDE}"}}}}"#), &in_data),
            (r#"{"data":null}"#.to_owned(), &Malformation::NoData),
            (
                r#"{"data":null,"errors":[]}"#.to_owned(),
                &Malformation::NoData,
            ),
            ("{}".to_owned(), &Malformation::NoData),
        ] {
            check_malformed(&rig, operation, &body, how).await;
        }
    }
}

#[tokio::test]
async fn null_without_a_word_is_no_success() {
    let rig = Rig::new().await;
    let null = |field| Malformation::NullField { field };
    for body in [
        r#"{"data":{"upsertBudgetCapSubscription":null}}"#,
        r#"{"data":{"somethingElse":1}}"#,
        r#"{"data":{}}"#,
    ] {
        check_malformed(
            &rig,
            Operation::Flat,
            body,
            &null("upsertBudgetCapSubscription"),
        )
        .await;
    }
    for body in [
        r#"{"data":{"upsertUserBudgetCapsBulk":null}}"#,
        r#"{"data":{}}"#,
    ] {
        check_malformed(
            &rig,
            Operation::Bulk,
            body,
            &null("upsertUserBudgetCapsBulk"),
        )
        .await;
    }
    for body in [
        r#"{"data":{"upsertBudgetCapSubscription":{"subscriptionBudgetCap":null,"errors":[]}}}"#,
        r#"{"data":{"upsertBudgetCapSubscription":{"errors":null}}}"#,
    ] {
        check_malformed(&rig, Operation::Flat, body, &null("subscriptionBudgetCap")).await;
    }
    let body =
        r#"{"data":{"upsertUserBudgetCapsBulk":{"userBudgetCapOverrides":null,"errors":""}}}"#;
    check_malformed(&rig, Operation::Bulk, body, &null("userBudgetCapOverrides")).await;
    // Nobody says that there is such a subscription, or that it is shown to whoever asks.
    for operation in Operation::READS {
        let body = r#"{"data":{"subscription":null}}"#;
        check_malformed(&rig, operation, body, &null("subscription")).await;
    }
    let body = r#"{"data":{"subscription":{"gitlabCreditsUsage":null}}}"#;
    check_malformed(&rig, Operation::Statuses, body, &null("gitlabCreditsUsage")).await;
    let body = r#"{"data":{"subscription":{"budgetControls":{"subscription":{"subscriptionName":"A","subscriptionCap":1,"subscriptionCapEnabled":true,"flatUserCap":1,"flatUserCapEnabled":true},"userBudgetCapOverrides":null}}}}"#;
    check_malformed(&rig, Operation::Caps, body, &null("userBudgetCapOverrides")).await;
}

#[tokio::test]
async fn errors_of_the_payload_pass_as_they_are() {
    let rig = Rig::new().await;
    let check = async |errors: &str, expected: &[&str]| {
        for (operation, name) in [
            (Operation::Flat, "upsertBudgetCapSubscription"),
            (Operation::Bulk, "upsertUserBudgetCapsBulk"),
        ] {
            // What is beside the errors is not looked at, be it as it would be after success.
            let body = format!(
                r#"{{"data":{{"{name}":{{"userBudgetCapOverrides":[],"errors":{errors}}}}}}}"#
            );
            let error = ends(&rig, operation, &body).await;
            assert_eq!(error.code(), "PORTAL_REJECTED");
            let PortalError::Rejected(found) = error else {
                panic!("{body}: {error:?}");
            };
            assert_eq!(found, expected, "{body}");
        }
    };
    let known = "Cap must be greater than or equal to 0";
    check(&format!(r#"["{known}"]"#), &[known]).await;
    check(
        &format!(r#"["{known}"," ü\n","{known}"]"#),
        &[known, " ü\n", known],
    )
    .await;
    check(&format!(r#""{known}""#), &[known]).await;
    check(r#"[""]"#, &[""]).await;
}

#[tokio::test]
async fn other_statuses_are_refusals() {
    let rig = Rig::new().await;
    let data = "application/json".to_owned();
    for status in [301, 302, 307, 400, 401, 403, 404, 418, 422] {
        for operation in Operation::all() {
            let before = rig.fake.count();
            // With a body that would do: the status alone decides. A redirect leads back to the portal itself.
            let (name, value) = match status {
                ..400 => ("location", rig.fake.url()),
                _ => ("content-type", data.clone()),
            };
            rig.fake.next([Way::Status(status, name, value)]);
            let error = rig.run(operation).await.unwrap_err();
            assert_eq!(error.code(), "PORTAL_REFUSED");
            let found =
                matches!(error, PortalError::Refused { status: found, .. } if found == status);
            assert!(found, "{status} {error:?}");
            assert_eq!(rig.fake.count(), before + 1, "{status} {operation:?}");
        }
    }
}

#[tokio::test]
async fn every_success_is_success() {
    let rig = Rig::new().await;
    for status in [200, 201, 203] {
        rig.fake
            .always(Way::Status(status, "x-more", "1".to_owned()));
        rig.portal
            .flat_user_cap_upsert(&namespace(), cap(1, true))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn secrets_do_not_come_back() {
    let part = ADMIN_TOKEN.get(4..16).unwrap();
    let key = LICENCE_KEY.lines().next().unwrap();
    let rig = Rig::new().await;
    let printed = format!("{:?}", rig.portal);
    let mut told = vec![printed];
    for secret in [ADMIN_TOKEN, part, key] {
        for body in [
            format!(r#"{{"errors":[{{"message":"no {secret}"}}]}}"#),
            format!(r#"{{"errors":[{{"code":"{secret}"}}]}}"#),
            format!(r#"{{"data":{{"errors":"no {secret}"}}}}"#),
            format!(r#"{{"data":{{"upsertBudgetCapSubscription":"{secret}"}}}}"#),
            format!(r#"{{"data":{{"upsertBudgetCapSubscription":{{"{secret}":1}}}}}}"#),
            format!(r#"{{"data":{{"upsertBudgetCapSubscription":{{"errors":["no {secret}"]}}}}}}"#),
        ] {
            rig.fake.next([Way::Body(body)]);
            let error = rig.run(Operation::Flat).await.unwrap_err();
            told.push(format!("{error} {error:?}"));
        }
    }
    for text in told {
        for secret in [part, key, ADMIN_EMAIL] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
