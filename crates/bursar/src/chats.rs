//! The options of chats.

use std::time::Duration;

use api::Uploads;
use chat::ChatConfig;
use clap::Args;
use dbauthz::ChatSharing;
use model::chats::FileQuota;

use crate::cli::{bytes, chat_model, duration};

/// What is put away is looked for no more often than this.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);

/// How chats are answered, shared and put away.
#[derive(Debug, Clone, Default, Args)]
pub struct ChatOptions {
    /// The provider and its model, as `provider/model`, that answer in chats where nobody names others. Without it, such
    /// a chat's turn ends in an error that says so.
    #[arg(
        long,
        env = "BURSAR_CHAT_MODEL",
        value_name = "PROVIDER/MODEL",
        value_parser = chat_model,
        help_heading = "Chats"
    )]
    pub chat_model: Option<String>,
    /// Let nobody share chats, whatever organizations say. What was shared is kept, and counts again without this option.
    #[arg(
        long,
        env = "BURSAR_DISABLE_CHAT_SHARING",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        help_heading = "Sharing"
    )]
    pub disable_chat_sharing: bool,
    /// Archive chats that nobody has changed for so many days, with their sub-chats; what its owner keeps on top stays. 0 is
    /// never.
    #[arg(
        long,
        env = "BURSAR_CHAT_AUTO_ARCHIVE_DAYS",
        default_value_t = 0,
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(0..=36_500),
        help_heading = "Chats"
    )]
    pub chat_auto_archive_days: u32,
    /// Remove chats for good that have been archived for so many days, with all that was said and their files. 0 is never.
    #[arg(
        long,
        env = "BURSAR_CHAT_RETENTION_DAYS",
        default_value_t = 0,
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(0..=36_500),
        help_heading = "Chats"
    )]
    pub chat_retention_days: u32,
    /// How many bytes of files a person may keep for chats, in all organizations together, such as 512MiB. 0 is without a
    /// limit.
    #[arg(
        long,
        env = "BURSAR_CHAT_FILE_QUOTA",
        default_value = "5GiB",
        value_name = "SIZE",
        value_parser = bytes,
        help_heading = "Chats"
    )]
    pub chat_file_quota: u64,
    /// How often it is looked for what is to be archived and removed; every ten minutes when nothing is said.
    #[arg(
        long,
        env = "BURSAR_CHAT_UPKEEP_INTERVAL",
        value_parser = duration,
        help_heading = "Chats"
    )]
    pub chat_upkeep_interval: Option<Duration>,
}

impl ChatOptions {
    /// What the chat engine is told of them.
    #[must_use]
    pub fn config(&self) -> ChatConfig {
        let usual = ChatConfig::default();
        ChatConfig {
            model: self.chat_model.clone(),
            auto_archive_days: self.chat_auto_archive_days,
            retention_days: self.chat_retention_days,
            jobs_every: self
                .chat_upkeep_interval
                .unwrap_or(usual.jobs_every)
                .max(SHORTEST_INTERVAL),
            ..usual
        }
    }

    /// The bounds on files that people bring.
    #[must_use]
    pub fn uploads(&self) -> Uploads {
        Uploads::new(FileQuota::new(self.chat_file_quota))
    }

    /// The deployment's switch over the sharing of chats.
    #[must_use]
    pub const fn sharing(&self) -> ChatSharing {
        if self.disable_chat_sharing {
            ChatSharing::Disabled
        } else {
            ChatSharing::ByOrganization
        }
    }
}
