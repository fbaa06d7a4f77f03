//! Mail arrives at the account's own address, says what the inbox says, and nothing in it becomes a header.

use model::UserId;
use notifier::{Mail, MailConfig, MailTls, NotifierConfig};
use testkit::{Letter, Post, TestMailServer};

use super::{House, Running, config};
use crate::calls::until;

fn mailing(server: &TestMailServer) -> NotifierConfig {
    let mail = Mail::new(MailConfig {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        tls: MailTls::None,
        sign_in: None,
        from: "Bursar <bursar@example.org>".to_owned(),
        hello: None,
    });
    NotifierConfig {
        mail: Some(mail.unwrap()),
        ..config()
    }
}

/// A courier that has said that it sends mail.
async fn courier(house: &House, config: NotifierConfig) -> Running {
    let courier = house.courier(config);
    until("the courier", || async {
        let query = "SELECT count(*) FROM notification_channels WHERE ready_until > bursar_now()";
        house.number(query).await == 1
    })
    .await;
    courier
}

async fn notify(house: &House, user: UserId, title: &str, content: &str) {
    let client = house.database.owner().await.unwrap();
    let insert = "INSERT INTO notifications (user_id, template, title, content, data) \
        VALUES ($1, 'budget-threshold', $2, $3, '{}')";
    client
        .execute(insert, &[&user.0, &title, &content])
        .await
        .unwrap();
}

/// How many deliveries are like this.
async fn count(house: &House, which: &str) -> i64 {
    let query = format!("SELECT count(*) FROM notification_deliveries WHERE {which}");
    house.number(&query).await
}

async fn ended(house: &House, which: &str) {
    until("the end of a mail", || async {
        count(house, which).await == 1
    })
    .await;
}

#[tokio::test]
async fn a_notice_is_mailed_to_the_accounts_own_address() {
    let house = House::new().await;
    let server = TestMailServer::start(&[]).await.unwrap();
    let courier = courier(&house, mailing(&server)).await;
    let ada = house.account("ada").await;
    house.account("bob").await;
    let title = "85 % of your AI budget is spent – grüße";
    let content = "You have spent $8.50 of $10.00.\n.\n.dots stay\nRené";
    notify(&house, ada, title, content).await;
    ended(&house, "delivered_at IS NOT NULL").await;
    courier.stop().await;
    let letters = server.letters();
    let [letter] = letters.as_slice() else {
        panic!("{letters:?}");
    };
    assert_eq!(letter.hello, "example.org");
    assert!(
        letter.from.starts_with("<bursar@example.org>"),
        "{letter:?}"
    );
    assert_eq!(letter.to, ["<ada@example.com>"]);
    assert_eq!(letter.header("To").unwrap(), "ada@example.com");
    assert_eq!(letter.header("Auto-Submitted").unwrap(), "auto-generated");
    assert!(letter.header("Date").is_some());
    assert!(
        letter
            .header("Content-Type")
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(
        letter
            .header("Subject")
            .unwrap()
            .contains("85 % of your AI budget")
    );
    assert!(letter.text.contains("of $10.00."), "{}", letter.text);
    assert!(letter.text.contains("\n.dots stay"), "{}", letter.text);
}

#[tokio::test]
async fn nothing_in_a_notice_becomes_a_header_or_a_command() {
    let house = House::new().await;
    let server = TestMailServer::start(&[]).await.unwrap();
    let courier = courier(&house, mailing(&server)).await;
    let ada = house.account("ada").await;
    let evil =
        "Hi\r\nBcc: eve@example.net\r\n\r\nnot a body\r\n.\r\nMAIL FROM:<eve@example.net>\r\n";
    notify(&house, ada, evil, evil).await;
    ended(&house, "delivered_at IS NOT NULL").await;
    courier.stop().await;
    let letters = server.letters();
    let [letter] = letters.as_slice() else {
        panic!("{letters:?}");
    };
    assert_eq!(letter.to, ["<ada@example.com>"]);
    let names = |letter: &Letter| {
        let headers = letter.headers().into_iter();
        let mut names: Vec<String> = headers
            .map(|line| line.split(':').next().unwrap().to_lowercase())
            .collect();
        names.sort();
        names
    };
    let expected = [
        "auto-submitted",
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "subject",
        "to",
    ];
    assert_eq!(names(letter), expected, "{}", letter.text);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_stays_is_given_up() {
    let house = House::new().await;
    let server = TestMailServer::start(&[
        Post::Refuse("EHLO", "421 too busy"),
        Post::Refuse("MAIL", "451 try later"),
        Post::Refuse("MAIL", "530 who are you?"),
        Post::Refuse(".", "452 full"),
        Post::Drop,
    ])
    .await
    .unwrap();
    let courier = courier(&house, mailing(&server)).await;
    let ada = house.account("ada").await;
    notify(&house, ada, "Hi", "There").await;
    ended(&house, "delivered_at IS NOT NULL AND attempts = 6").await;
    // The server may have kept what it did not acknowledge: the same mail came again, and says so.
    let letters = server.letters();
    assert_eq!(letters.len(), 3);
    let id = letters[0].header("Message-ID").unwrap();
    assert!(id.ends_with("@example.org>"), "{id}");
    assert!(
        letters
            .iter()
            .all(|letter| letter.header("Message-ID").unwrap() == id)
    );
    courier.stop().await;

    let server = TestMailServer::start(&[Post::Refuse("RCPT", "550 nobody")])
        .await
        .unwrap();
    let courier = self::courier(&house, mailing(&server)).await;
    notify(&house, ada, "Hi", "There").await;
    ended(
        &house,
        "failed_at IS NOT NULL AND attempts = 1 AND last_error LIKE '%550%'",
    )
    .await;
    assert_eq!((server.letters().len(), server.connections()), (0, 1));
    courier.stop().await;
}

#[tokio::test]
async fn who_may_not_sign_in_any_more_gets_no_mail() {
    let house = House::new().await;
    let server = TestMailServer::start(&[]).await.unwrap();
    let courier = courier(&house, mailing(&server)).await;
    let ada = house.account("ada").await;
    house.sql("UPDATE users SET status = 'suspended'").await;
    notify(&house, ada, "Hi", "There").await;
    assert_eq!(count(&house, "true").await, 0);
    courier.stop().await;
    // Suspended before it was sent.
    house.sql("UPDATE users SET status = 'active'").await;
    notify(&house, ada, "Hi", "There").await;
    assert_eq!(count(&house, "next_attempt_at IS NOT NULL").await, 1);
    house.sql("UPDATE users SET status = 'suspended'").await;
    let courier = self::courier(&house, mailing(&server)).await;
    ended(
        &house,
        "failed_at IS NOT NULL AND last_error LIKE 'the account is suspended%'",
    )
    .await;
    assert_eq!(server.connections(), 0);
    courier.stop().await;
}

#[tokio::test]
async fn without_a_mail_server_nothing_piles_up() {
    let house = House::new().await;
    let ada = house.account("ada").await;
    let courier = house.courier(config());
    notify(&house, ada, "Hi", "There").await;
    assert_eq!(count(&house, "true").await, 0);
    courier.stop().await;
    // One that could send mail and never came back is forgotten soon.
    let server = TestMailServer::start(&[]).await.unwrap();
    self::courier(&house, mailing(&server)).await.stop().await;
    house.database.shift_clock("2 hours").await.unwrap();
    notify(&house, ada, "Hi", "There").await;
    assert_eq!(count(&house, "true").await, 0);
}

#[tokio::test]
async fn encryption_that_is_not_offered_is_not_done_without() {
    let house = House::new().await;
    let server = TestMailServer::start(&[]).await.unwrap();
    let mail = Mail::new(MailConfig {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        tls: MailTls::StartTls,
        sign_in: Some(("me".to_owned(), "s3cret".into())),
        from: "bursar@example.org".to_owned(),
        hello: Some("here.example.org".to_owned()),
    });
    let config = NotifierConfig {
        mail: Some(mail.unwrap()),
        ..config()
    };
    let courier = courier(&house, config).await;
    let ada = house.account("ada").await;
    notify(&house, ada, "Hi", "There").await;
    until("an attempt", || async {
        count(&house, "last_error IS NOT NULL").await == 1
    })
    .await;
    assert_eq!(count(&house, "last_error LIKE '%STARTTLS%'").await, 1);
    assert!(server.letters().is_empty());
    courier.stop().await;
}
