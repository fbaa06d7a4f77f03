//! Pages of own caps: which are on them, and what is told of what is around them.

use model::{UserId, caps::CapScope};
use store::caps::CapOverrideFilter;

use super::{Acme, TestDb, begin, cap, of, read, set_flat, set_own};

/// Which of five people are asked for, by their places, and what is found: places, count, previous, next.
struct Page {
    users: Option<&'static [usize]>,
    after: Option<usize>,
    before: Option<usize>,
    limit: u32,
    last: bool,
    found: &'static [usize],
    count: u64,
    around: (bool, bool),
}

/// All of them, on one page.
const ALL: Page = Page {
    users: None,
    after: None,
    before: None,
    limit: 200,
    last: false,
    found: &[0, 1, 2, 3, 4],
    count: 5,
    around: (false, false),
};

const PAGES: &[Page] = &[
    ALL,
    Page {
        limit: 2,
        found: &[0, 1],
        around: (false, true),
        ..ALL
    },
    Page {
        limit: 2,
        after: Some(1),
        found: &[2, 3],
        around: (true, true),
        ..ALL
    },
    Page {
        after: Some(1),
        found: &[2, 3, 4],
        around: (true, false),
        ..ALL
    },
    Page {
        limit: 2,
        last: true,
        found: &[3, 4],
        around: (true, false),
        ..ALL
    },
    Page {
        limit: 2,
        before: Some(3),
        last: true,
        found: &[1, 2],
        around: (true, true),
        ..ALL
    },
    Page {
        before: Some(3),
        found: &[0, 1, 2],
        around: (false, true),
        ..ALL
    },
    Page {
        after: Some(0),
        before: Some(4),
        limit: 1,
        found: &[1],
        around: (true, true),
        ..ALL
    },
    // Empty pages say what is around them too.
    Page {
        after: Some(4),
        found: &[],
        around: (true, false),
        ..ALL
    },
    Page {
        before: Some(0),
        last: true,
        found: &[],
        around: (false, true),
        ..ALL
    },
    Page {
        limit: 0,
        found: &[],
        around: (false, true),
        ..ALL
    },
    Page {
        limit: 0,
        last: true,
        found: &[],
        around: (true, false),
        ..ALL
    },
    Page {
        after: Some(2),
        before: Some(3),
        found: &[],
        around: (true, true),
        ..ALL
    },
    // Of some people only; nobody is not everybody.
    Page {
        users: Some(&[]),
        found: &[],
        count: 0,
        ..ALL
    },
    Page {
        users: Some(&[4, 1, 3]),
        limit: 2,
        found: &[1, 3],
        count: 3,
        around: (false, true),
        ..ALL
    },
    Page {
        users: Some(&[4, 1, 3]),
        after: Some(3),
        found: &[4],
        count: 3,
        around: (true, false),
        ..ALL
    },
];

#[tokio::test]
async fn a_page_tells_what_is_on_it_and_around_it() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["a", "b", "c", "d", "e"]).await;
    for scope in [acme.scope, CapScope::Instance] {
        set_flat(&store, scope, cap(0, false)).await;
    }
    let all: Vec<_> = acme.people.iter().map(|user| of(*user, 1, None)).collect();
    set_own(&store, acme.scope, &all).await;
    // Those of another subscription are none of these.
    set_own(&store, CapScope::Instance, &all[..1]).await;
    let user = |place: usize| acme.people[place];
    for (number, page) in PAGES.iter().enumerate() {
        let filter = CapOverrideFilter {
            users: page
                .users
                .map(|all| all.iter().copied().map(user).collect()),
            after: page.after.map(user),
            before: page.before.map(user),
            limit: page.limit,
            last: page.last,
        };
        let mut unit = read(&store).await;
        let found = unit.cap_override_list(acme.scope, &filter).await.unwrap();
        let people: Vec<UserId> = found.overrides.iter().map(|one| one.user_id).collect();
        let expected: Vec<UserId> = page.found.iter().copied().map(user).collect();
        assert_eq!(people, expected, "page {number}");
        assert_eq!(found.count, page.count, "page {number}");
        let around = (found.has_previous, found.has_next);
        assert_eq!(around, page.around, "page {number}");
    }
}

#[tokio::test]
async fn those_that_are_removed_are_told_in_the_order_of_their_ids() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = Acme::new(&store, &["a", "b", "c"]).await;
    set_flat(&store, acme.scope, cap(0, false)).await;
    let (a, b, c) = (acme.people[0], acme.people[1], acme.people[2]);
    set_own(&store, acme.scope, &[of(b, 1, None), of(a, 1, None)]).await;
    let mut unit = begin(&store).await;
    let gone = unit.cap_override_delete(acme.scope, &[c, b, a]).await;
    assert_eq!(gone.unwrap(), [a, b]);
    let gone = unit.cap_override_delete(acme.scope, &[a, b, c]).await;
    assert_eq!(gone.unwrap(), []);
}
