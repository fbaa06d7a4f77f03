//! Two at once, and what ends with people and organizations.

use std::sync::Arc;

use db::local::LocalRole;
use model::caps::CapScope;
use store::caps::CapOverrideFilter;

use super::{Acme, TestDb, begin, cap, entries, new_user, of, read, set_flat, set_own, told};
use crate::support::new_organization;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_set_the_same_at_once_leave_one_of_each() {
    let db = TestDb::new().await;
    let store = Arc::new(db.store().await);
    let acme = Acme::new(&store, &["a", "b", "c"]).await;
    let (scope, people) = (acme.scope, acme.people);
    let set = |order: Vec<_>, micros: i64| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut unit = begin(&store).await;
            unit.cap_flat_upsert(scope, cap(micros, true))
                .await
                .unwrap();
            let all: Vec<_> = order.iter().map(|user| of(*user, micros, None)).collect();
            unit.cap_override_upsert(scope, &all).await.unwrap();
            unit.commit().await.unwrap();
        })
    };
    let back: Vec<_> = people.iter().rev().copied().collect();
    let both = (set(people.clone(), 1), set(back, 2));
    both.0.await.unwrap();
    both.1.await.unwrap();
    let filter = CapOverrideFilter {
        limit: 10,
        ..CapOverrideFilter::default()
    };
    let mut unit = read(&store).await;
    let flat = unit
        .cap_get(scope)
        .await
        .unwrap()
        .unwrap()
        .flat_user
        .unwrap();
    let own = unit.cap_override_list(scope, &filter).await.unwrap();
    assert_eq!(own.count, 3);
    // The last to come set them all.
    assert!(own.overrides.iter().all(|one| one.cap == flat), "{own:?}");
}

#[tokio::test]
async fn caps_end_with_their_person_and_their_organization_and_the_log_names_whose_they_were() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["ben", "cleo"]).await;
    let beta = new_organization("beta");
    let dan = new_user("dan", &[beta.id]);
    let (in_beta, everywhere) = (CapScope::Organization(beta.id), CapScope::Instance);
    let mut unit = begin(&store).await;
    unit.organization_create(&beta).await.unwrap();
    unit.user_create(&dan).await.unwrap();
    unit.commit().await.unwrap();
    for scope in [acme.scope, in_beta, everywhere] {
        set_flat(&store, scope, cap(0, false)).await;
    }
    let (ben, cleo) = (acme.people[0], acme.people[1]);
    set_own(&store, acme.scope, &[of(ben, 1, None), of(cleo, 2, None)]).await;
    set_own(&store, everywhere, &[of(ben, 3, None)]).await;
    set_own(&store, in_beta, &[of(dan.id, 4, None)]).await;
    let before = entries(&store).await.len();
    let mut unit = begin(&store).await;
    unit.user_delete(ben).await.unwrap();
    unit.organization_delete(beta.id).await.unwrap();
    unit.commit().await.unwrap();
    // By hand.
    let sql = format!(
        "BEGIN; SELECT set_config('bursar.actor_name', 'by hand', true); \
         DELETE FROM users WHERE id = '{cleo}'; COMMIT"
    );
    let owner = db.client(LocalRole::Owner).await;
    owner.batch_execute(&sql).await.unwrap();

    let lines = entries(&store).await;
    let ended = lines.iter().skip(before);
    let ended = ended.map(|line| (told(line), line.organization_id));
    let mut ended: Vec<_> = ended
        .map(|(line, place)| (line.split(',').next().unwrap().to_owned(), place))
        .collect();
    ended.sort();
    let mut expected = vec![
        (
            "Delete : flat_user_cap_enabled false→null".to_owned(),
            Some(beta.id),
        ),
        ("Delete ben: cap_micros 1→null".to_owned(), Some(acme.id)),
        ("Delete cleo: cap_micros 2→null".to_owned(), Some(acme.id)),
        ("Delete ben: cap_micros 3→null".to_owned(), None),
        ("Delete dan: cap_micros 4→null".to_owned(), Some(beta.id)),
    ];
    expected.sort();
    assert_eq!(ended, expected);
    let mut unit = read(&store).await;
    assert_eq!(unit.cap_get(in_beta).await.unwrap(), None);
    assert!(unit.cap_get(everywhere).await.unwrap().is_some());
}
