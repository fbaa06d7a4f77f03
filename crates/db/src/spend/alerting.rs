//! Whose alerts must be looked at, because spend has reached what their counters say.

use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use model::spend::LimitKey;
use store::StoreResult;
use uuid::Uuid;

use super::sql;
use crate::query::{Cached, run};

/// One check a limit, however often it is reached before somebody looks. A check that is there is left alone, also
/// while somebody is about to remove it: whoever removes it locks the counter before it looks, so it sees what is
/// written now, and nobody waits for it in a circle.
const ADD: &str = "\
INSERT INTO ai_alert_checks (subject_kind, subject_id, due_at) \
SELECT n.kind, n.id, '-infinity' FROM unnest($1, $2) AS n (kind, id) \
WHERE NOT EXISTS (SELECT 1 FROM ai_alert_checks AS c \
    WHERE c.subject_kind = n.kind AND c.subject_id = n.id AND c.due_at = '-infinity') \
ON CONFLICT DO NOTHING";

/// Notes that the alerts of these limits, in their order, must be looked at.
pub(super) async fn add(conn: &AsyncPgConnection, reached: &[LimitKey]) -> StoreResult<()> {
    if reached.is_empty() {
        return Ok(());
    }
    let kinds: Vec<&'static str> = reached.iter().map(|limit| limit.kind.as_str()).collect();
    let ids: Vec<Uuid> = reached.iter().map(|limit| limit.id).collect();
    let add = sql(ADD)
        .bind::<Array<Text>, _>(kinds)
        .bind::<Array<SqlUuid>, _>(ids);
    run(conn, Cached(add)).await.map(drop)
}
