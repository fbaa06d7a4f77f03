//! Which caps were set here since a mirror of others was read.

use std::time::Duration;

use model::caps::{CapScope, MirrorOutcome, MirroredCaps};

use super::{Acme, cap, of, set_flat, set_own};
use crate::support::{TestDb, begin, read};

const REFRESH: Duration = Duration::from_secs(5);

#[tokio::test]
async fn what_was_set_here_since_the_last_read_is_told() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ann"]).await;
    let local = async |expected: &[CapScope]| {
        let found = read(&store).await.cap_mirror_local_list().await;
        assert_eq!(found.unwrap(), expected);
    };
    local(&[]).await;
    set_flat(&store, CapScope::Instance, cap(1, true)).await;
    set_flat(&store, acme.scope, cap(1, true)).await;
    local(&[CapScope::Instance, acme.scope]).await;
    let caps = MirroredCaps {
        flat_user: Some(cap(2, true)),
        subscription: None,
        overrides: Vec::new(),
    };
    let mut unit = begin(&store).await;
    let claim = unit.cap_mirror_begin(acme.scope, REFRESH).await.unwrap();
    let applied = unit.cap_mirror_apply(&claim, Some(&caps)).await.unwrap();
    assert!(matches!(applied, MirrorOutcome::Mirrored(_)));
    unit.commit().await.unwrap();
    local(&[CapScope::Instance]).await;
    db.shift_time("2 minutes").await;
    let own = [of(acme.people[0], 3, None)];
    set_own(&store, acme.scope, &own).await;
    local(&[CapScope::Instance, acme.scope]).await;
}
