//! What holds for a person at this instant, without a lock.

use diesel_async::AsyncPgConnection;
use model::{
    UserId,
    spend::{Account, SpendView},
};
use store::{StoreError, StoreResult};

use super::{
    books::{keys, state},
    calendar::look,
    candidates::{Standing, resolutions},
    counter::{self, Counter},
};

pub(super) async fn spend_get(conn: &AsyncPgConnection, user: UserId) -> StoreResult<SpendView> {
    let mut calendar = look(conn).await?;
    let mut found = resolutions(conn, &calendar, &[user]).await?;
    let resolution = found.remove(&user).ok_or(StoreError::NotFound)?;
    let standing = Standing::from(&resolution);
    calendar
        .learn_pools(conn, standing.group.into_iter())
        .await?;
    let account = Account {
        user_id: user,
        group_id: standing.group,
    };
    let keys = keys(&calendar, account, calendar.now)?;
    let found = counter::read(conn, &keys).await?;
    let at = |place: i64| {
        found
            .iter()
            .find(|row| row.place == place)
            .map(Counter::from)
    };
    let (own, pool) = (at(1).unwrap_or_default(), at(2));
    Ok(SpendView {
        state: state(&calendar, &standing, calendar.now, &own, pool.as_ref())?,
        considered: resolution.considered,
    })
}
