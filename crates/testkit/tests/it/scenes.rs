//! Requests written as the lines of a table, so that a test reads as what it tries.

use std::fmt::Display;

use bursar_sdk::Client;
use testkit::World;

use crate::support::{Answer, ask_text};

/// A request and what is expected of it.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    /// The line itself, to be shown when it goes otherwise.
    pub(crate) line: String,
    pub(crate) status: u16,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
    /// What stands after `=>`; empty without it.
    pub(crate) expected: String,
}

/// Reads lines of the form `status method path body => expected`, of which the body and what follows may be
/// missing. `<acme>`, `<group>` and `<ada>` stand for the ids of the cast, and more may be named.
pub(crate) fn scenes(world: &World, more: &[(&str, &dyn Display)], text: &str) -> Vec<Scene> {
    let cast = &world.cast;
    let known: [(&str, &dyn Display); 3] = [
        ("<acme>", &cast.organization_id),
        ("<group>", &cast.group_id),
        ("<ada>", &cast.member_id),
    ];
    let mut text = text.to_owned();
    for (name, value) in known.iter().chain(more) {
        text = text.replace(name, &value.to_string());
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(scene).collect()
}

fn scene(line: &str) -> Scene {
    let (request, expected) = line.split_once(" =>").unwrap_or((line, ""));
    let mut words = request.splitn(4, ' ').map(str::to_owned);
    let mut word = || words.next().unwrap_or_default();
    Scene {
        line: line.to_owned(),
        status: word().parse().unwrap_or_else(|_| panic!("{line}")),
        method: word(),
        path: word(),
        body: word(),
        expected: expected.trim().to_owned(),
    }
}

/// Sends a scene's request and checks its status.
pub(crate) async fn play(world: &World, caller: &Client, scene: &Scene) -> Answer {
    let Scene {
        method, path, body, ..
    } = scene;
    let answer = ask_text(world, caller, method, path, body.clone()).await;
    assert_eq!(
        answer.status, scene.status,
        "{}: {}",
        scene.line, answer.text
    );
    answer
}

/// Plays all of them. What is expected beside the status are the fields that the answer complains about.
pub(crate) async fn play_all(
    world: &World,
    caller: &Client,
    more: &[(&str, &dyn Display)],
    text: &str,
) {
    for scene in scenes(world, more, text) {
        let answer = play(world, caller, &scene).await;
        if !scene.expected.is_empty() {
            assert_eq!(answer.fields().join(" "), scene.expected, "{}", scene.line);
        }
    }
}
