//! How soon a change of who may read a chat is seen: by the next read, at whatever server, always.

use std::time::Duration;

use bursar_sdk::{Client, PatchGroupRequest, UpdateChatAclRequest, client::Error};
use tokio::time::Instant;

use super::{share, world::World};

/// A way to give somebody access, and to take it.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The reader's own entry.
    Person,
    /// The entry of a group of the reader's.
    Group,
    /// The reader's place in a group that the chat is shared with.
    Membership,
}

/// Gives and takes a reader's access so often, in each way, with a read at another server after each change.
pub(crate) async fn measure(world: &World, rounds: usize) {
    let elsewhere = world.as_at(&world.reader, 1);
    for way in [Way::Person, Way::Group, Way::Membership] {
        match way {
            Way::Person => {}
            Way::Group => join(world, true).await,
            Way::Membership => {
                join(world, false).await;
                enter(world, Way::Group, "read").await;
            }
        }
        row(world, way, &elsewhere, rounds).await;
    }
}

async fn row(world: &World, way: Way, elsewhere: &Client, rounds: usize) {
    let (mut changes, mut reads, mut unseen) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        for may in [true, false] {
            changes.push(timed(change(world, way, may)).await.1);
            let (found, took) = timed(elsewhere.chat_get(world.chat)).await;
            reads.push(took);
            unseen += usize::from(may_read(found) != may);
        }
    }
    println!(
        "| {way:?} | {} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {unseen} |",
        changes.len(),
        share(&mut changes, 50),
        share(&mut changes, 99),
        share(&mut changes, 100),
        share(&mut reads, 50),
        share(&mut reads, 99),
        share(&mut reads, 100),
    );
    assert_eq!(unseen, 0, "every change is seen by the next read");
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    (work.await, began.elapsed())
}

fn may_read<T>(found: Result<T, Error>) -> bool {
    match found {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
            false
        }
    }
}

async fn change(world: &World, way: Way, may: bool) {
    match way {
        Way::Person | Way::Group => enter(world, way, if may { "read" } else { "" }).await,
        Way::Membership => join(world, may).await,
    }
}

async fn enter(world: &World, way: Way, role: &str) {
    let roles = |id: uuid::Uuid| [(id.to_string(), role.to_owned())].into();
    let mut change = UpdateChatAclRequest::default();
    match way {
        Way::Person => change.user_roles = roles(world.reader.id),
        Way::Group | Way::Membership => change.group_roles = roles(world.circle),
    }
    let changed = world.owner.chat_acl_update(world.chat, &change).await;
    changed.unwrap();
}

async fn join(world: &World, member: bool) {
    let mut change = PatchGroupRequest::default();
    let people = vec![world.reader.id];
    if member {
        change.add_users = people;
    } else {
        change.remove_users = people;
    }
    world
        .owner
        .group_update(world.circle, &change)
        .await
        .unwrap();
}
