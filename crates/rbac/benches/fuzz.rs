//! Compares the engine with the naive evaluator on random cases: `cargo xtask fuzz authz`.
//!
//! Arguments: how many cases, and the seed of the first; each further case has the next seed, so that a case that
//! differs is asked again alone by its seed. On every case both modes decide; on every eighth the explanation and
//! the visibility are held against the decision, and a text is thrown at the parsers.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a program that measures or compares may stop where it stands"
)]

#[path = "../tests/it/compare.rs"]
mod compare;
#[expect(dead_code, reason = "the tests need more of it than this program")]
#[path = "../tests/it/draft.rs"]
mod draft;
#[expect(dead_code, reason = "the tests need more of it than this program")]
#[path = "../tests/it/naive.rs"]
mod naive;
#[path = "../tests/it/parsers.rs"]
mod parsers;
#[path = "../tests/it/random.rs"]
mod random;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::Instant,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::compare::{ASKED, case};

#[expect(
    clippy::print_stdout,
    reason = "a command that people run tells them the outcome"
)]
fn main() -> ExitCode {
    let mut numbers = std::env::args().filter_map(|word| word.parse::<u64>().ok());
    let cases = numbers.next().unwrap_or(1_000_000);
    let seed = numbers.next().unwrap_or(1);
    let start = Instant::now();
    let style = "{percent:>3} % of {len} cases, {per_sec}, {eta} left";
    let bar = ProgressBar::new(cases);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let each = u64::try_from(ASKED).unwrap_or(1);
    let (mut done, mut next) = (0, seed);
    while done < cases {
        let found = catch_unwind(AssertUnwindSafe(|| case(next)));
        let found = found.unwrap_or_else(|_| Err("it panics".to_owned()));
        if let Err(what) = found {
            bar.abandon();
            println!("seed {next}: {what}");
            println!("again: cargo xtask fuzz authz --cases 1 --seed {next}");
            return ExitCode::FAILURE;
        }
        next = next.wrapping_add(1);
        done += each;
        if next % 1024 == 0 {
            bar.set_position(done.min(cases));
        }
    }
    bar.finish_and_clear();
    println!(
        "{done} cases from seed {seed} agree, in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
