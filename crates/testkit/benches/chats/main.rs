//! Measures chats that many look at, at running servers: `cargo xtask bench chats`, with `--short` for a tenth of the people.
//!
//! Two servers share a durable PostgreSQL with Bursar's own settings. A thousand people, each with a token of their own,
//! follow one chat of somebody else's, which is shared with their group, once at the server where its turn runs and once
//! at the other, whose viewers follow it through the database. Provider, servers and all who look on are one process, on
//! whatever processors there are. What a part counts with is the time from the moment when the engine says it until a
//! viewer has it; beside it stands the time from the moment when the provider sent the part's first word, with the moment
//! for which words are gathered in it.
//!
//! Then a reader's access is given and taken in every way there is, and asked about at the other server each time.
//!
//! It fails if a viewer missed a part, if a change of access was not seen, or if parts took three times as long as is the
//! goal.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a program that measures prints, and may stop where it stands"
)]

mod changes;
mod clock;
mod provider;
mod viewers;
mod world;

use std::time::Duration;

use world::World;

/// What all but one in a hundred parts are to take less than, at every viewer.
const GOAL: Duration = Duration::from_millis(100);
/// How many times the goal is a failure, whatever else the machine does.
const TOO_LONG: u32 = 3;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// How many look on.
    viewers: usize,
    /// How many words the model says.
    words: u64,
    /// How often access is given and taken, in each way.
    changes: usize,
}

fn main() {
    let short = std::env::args().any(|argument| argument == "--short");
    let size = if short {
        Size {
            viewers: 100,
            words: 100,
            changes: 20,
        }
    } else {
        Size {
            viewers: 1_000,
            words: 500,
            changes: 200,
        }
    };
    tracing::subscriber::set_global_default(clock::Hearer).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(size));
}

async fn run(size: Size) {
    let world = World::new(size).await;
    println!("goal: p99 under {GOAL:?}");
    println!(
        "| {} look on | parts | p50 | p99 | most | the last viewer, p50 | p99 | since the provider's word, p50 | p99 | most | all turned away after |",
        size.viewers
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut missed = Vec::new();
    for (place, server) in [("where the turn runs", 0), ("at another server", 1)] {
        let took = stream(&world, place, server).await;
        if took > GOAL * TOO_LONG {
            missed.push((place, took));
        }
    }
    println!(
        "| access is given and taken | times | change, p50 | p99 | most | next read, p50 | p99 | most | not seen |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    changes::measure(&world, size.changes).await;
    world.stop().await;
    assert!(missed.is_empty(), "far from the goal: {missed:?}");
}

/// One turn at the first server, with all viewers at this one; then they lose their access. The time after which all
/// but one in a hundred parts were at every viewer.
async fn stream(world: &World, place: &str, server: usize) -> Duration {
    world.share("read").await;
    let mut viewers = world.look(server).await;
    clock::begin();
    world.say().await;
    viewers.ended().await;
    let began = tokio::time::Instant::now();
    world.share("").await;
    let looks = viewers.closed().await;
    let away = looks.iter().map(|look| look.closed_at - began).max();
    let said = clock::heard();
    let mut late: Vec<Duration> = Vec::new();
    let mut since_word: Vec<Duration> = Vec::new();
    let mut last: Vec<Duration> = Vec::new();
    for look in &looks {
        for (place, seen) in look.seen.iter().enumerate() {
            assert_eq!(usize::try_from(seen.seq), Ok(place), "no part is left out");
            let took = seen.at - said[place];
            late.push(took);
            since_word.push(seen.late);
            match last.get_mut(place) {
                Some(most) => *most = took.max(*most),
                None => last.push(took),
            }
        }
        // The last words may come with the whole message.
        assert!(look.seen.len() + 2 >= last.len(), "everybody saw all");
    }
    println!(
        "| {place} | {} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.0?} |",
        last.len(),
        share(&mut late, 50),
        share(&mut late, 99),
        share(&mut late, 100),
        share(&mut last, 50),
        share(&mut last, 99),
        share(&mut since_word, 50),
        share(&mut since_word, 99),
        share(&mut since_word, 100),
        away.unwrap_or_default(),
    );
    share(&mut last, 99)
}

/// What this share of them, in hundredths, took at most.
pub(crate) fn share(took: &mut [Duration], share: usize) -> Duration {
    took.sort_unstable();
    took[(took.len() - 1) * share / 100]
}
