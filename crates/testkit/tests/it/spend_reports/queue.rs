//! Many exports at once, and what they leave to everybody else.

use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream};

use super::{Usage, spent};
use crate::support::world;

/// As many as may be under way at a time.
const UNDER_WAY: usize = 4;
/// More than the server has connections to its database.
const WAITING: usize = 24;

#[tokio::test]
async fn exports_that_wait_for_their_turn_hold_no_connection_to_the_database() {
    let world = world().await;
    spent(&world, &[Usage::of(&world, 1)]).await;
    // More than fits between a server and a client that does not read.
    let much = "INSERT INTO ai_usage_events (id, created_at, user_id, effective_group_id, organization_id, api_key_id, \
            provider_id, provider_name, model, input_tokens, cache_read_tokens, cache_write_5m_tokens, \
            cache_write_1h_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, \
            web_searches, cost_micros, hold_micros, estimated) \
        SELECT gen_random_uuid(), e.created_at, e.user_id, e.effective_group_id, e.organization_id, e.api_key_id, \
            e.provider_id, e.provider_name, repeat('m', 500) || n, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, false \
        FROM (SELECT * FROM ai_usage_events LIMIT 1) AS e, generate_series(1, 30000) AS n";
    world
        .database
        .owner()
        .await
        .unwrap()
        .execute(much, &[])
        .await
        .unwrap();
    let url = world.server.url();
    let address = url.strip_prefix("http://").unwrap();
    let token = world.cast.owner.token().unwrap().expose();
    let request = format!(
        "GET /api/v2/organizations/acme/ai/spend/export HTTP/1.1\r\nHost: bursar.test\r\n\
         Bursar-Session-Token: {token}\r\n\r\n"
    );
    let export = async || {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        client
    };
    let mut clients = Vec::new();
    for _ in 0..UNDER_WAY {
        let mut client = export().await;
        let mut head = [0; 12];
        client.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        clients.push(client);
    }
    for _ in 0..WAITING {
        clients.push(export().await);
    }
    for _ in 0..100 {
        world.cast.member.spend_get("me").await.unwrap();
    }
}
