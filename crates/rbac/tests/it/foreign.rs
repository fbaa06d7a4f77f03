//! The verdicts of another engine, as the sample holds them: the whole of each, and each of its parts.

use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use rbac::foreign::Question;

const SAMPLE: &[u8] = include_bytes!("../data/authz-decisions-sample.jsonl.gz");

#[test]
fn the_sample_agrees_in_every_part() {
    let mut count = 0;
    for line in BufReader::new(GzDecoder::new(SAMPLE)).lines() {
        let question: Question = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(question.verdict(), question.expected(), "n {}", question.n);
        assert_eq!(question.allows(), question.expected().allow);
        count += 1;
    }
    assert_eq!(count, 2000);
}
