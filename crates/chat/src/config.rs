//! What an operator may set about chats, with the defaults.

use std::time::Duration;

/// Settings of chats. Every field is an option of `bursar server` or a constant of it.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// The provider and its model, as `provider/model`, where neither a message nor its chat names one.
    pub model: Option<String>,
    /// After so many days in which nobody changed it a chat is archived; 0 is never.
    pub auto_archive_days: u32,
    /// After so many days in the archive a chat is removed; 0 is never.
    pub retention_days: u32,
    /// How often what the model says goes to those who look on, and into the database.
    pub say_every: Duration,
    /// How long the provider may send nothing in the middle of an answer.
    pub silence: Duration,
    /// How long it may send nothing there that tells something, but comments that keep a connection open.
    pub wordless: Duration,
    /// How long what an answer used is waited for once all is said.
    pub trailing: Duration,
    /// How long a turn may take from when it may ask.
    pub turn_max: Duration,
    /// How many turns of one owner run at a time at this server; others wait for theirs.
    pub turns_per_owner: usize,
    /// How often it is asked whether turns are to stop although nobody said so.
    pub standing_every: Duration,
    /// How often turns of servers that have gone are looked for.
    pub sweep_every: Duration,
    /// How often a chat that somebody looks at is read, and everybody there is judged, although nobody said so.
    pub look_every: Duration,
    /// How often it is asked what is new in the chats whose turns run at other servers, all of them together.
    pub follow_every: Duration,
    /// How many streams of chats one person may have open at this server; that of a large chat counts once more for each
    /// MiB that is said in it.
    pub streams_per_person: usize,
    /// How many streams about their chats one person may have open at this server.
    pub watches_per_person: usize,
    /// How often it is looked what is shared with somebody although nobody said so.
    pub shares_every: Duration,
    /// How often old chats and files are looked for.
    pub jobs_every: Duration,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self {
            model: None,
            auto_archive_days: 0,
            retention_days: 0,
            say_every: Duration::from_millis(50),
            silence: Duration::from_secs(180),
            wordless: Duration::from_secs(600),
            trailing: Duration::from_secs(5),
            turn_max: Duration::from_secs(30 * 60),
            turns_per_owner: 16,
            standing_every: Duration::from_secs(2),
            sweep_every: Duration::from_secs(5),
            look_every: Duration::from_secs(5),
            follow_every: Duration::from_millis(25),
            streams_per_person: 64,
            watches_per_person: 16,
            shares_every: Duration::from_secs(30),
            jobs_every: Duration::from_secs(600),
        }
    }
}
