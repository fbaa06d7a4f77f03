//! What the process inherits from whoever started it, read in one place.

use std::{ffi::OsString, path::PathBuf};

use db::local::Durability;

/// What the process inherits, and what is chosen for it instead in tests and in the demo.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Where data goes when no option says so; `None` when there is no home either.
    pub default_data_dir: Option<PathBuf>,
    /// The folders that programs are looked for in.
    pub path: Option<OsString>,
    /// Whether an own PostgreSQL keeps its promises through a power failure.
    pub durability: Durability,
    /// How this server calls itself to the database.
    pub application_name: String,
}

impl Environment {
    /// Reads the process's environment.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            default_data_dir: db::local::default_data_dir(|name| std::env::var_os(name)),
            path: std::env::var_os("PATH"),
            durability: Durability::Durable,
            application_name: "bursar".to_owned(),
        }
    }
}
