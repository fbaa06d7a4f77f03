//! Which program asked, and whose credentials the provider saw, as events tell it.

use fakeprovider::Script;
use model::Micros;
use reqwest::header::USER_AGENT;
use testkit::World;

use crate::calls::{Spoken, call, settled};

#[tokio::test]
async fn events_name_the_program_that_asked() {
    let world = World::new(Script::default(), Micros::USD).await.unwrap();
    let owner = world.database.owner().await.unwrap();
    let spoken = Spoken::OpenAi;
    for (said, program) in [
        ("OpenAI/Python 1.109.1", Some("openai-python")),
        ("claude-cli/2.0.31 (external, cli)", Some("claude-code")),
        ("nobody-knows-me/1.0", None),
        ("", None),
    ] {
        let body = spoken.body(20, false);
        let request = call(&world, &world.cast.member_token, spoken.path(), &body);
        let answer = request.header(USER_AGENT, said).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
        settled(&world.database).await;
        let last = "SELECT client, credential_kind FROM ai_usage_events ORDER BY created_at DESC, id DESC LIMIT 1";
        let event = owner.query_one(last, &[]).await.unwrap();
        assert_eq!(
            event.get::<_, Option<String>>(0).as_deref(),
            program,
            "{said}"
        );
        assert_eq!(event.get::<_, String>(1), "centralized");
    }
}
