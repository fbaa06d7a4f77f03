//! The arrows between the crates: which may know which. The picture is in `docs/architecture.md`.

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use cargo_metadata::{DependencyKind, MetadataCommand};

    /// Each crate with the crates of this house that it may depend on. An arrow that is not here is a mistake:
    /// move the code, or change the picture on purpose, here and in `docs/architecture.md`.
    const ARROWS: &[(&str, &[&str])] = &[
        ("rbac", &[]),
        ("bursar-sdk", &[]),
        ("fakeprovider", &[]),
        ("fakeportal", &[]),
        ("model", &["rbac"]),
        ("outbound", &["model", "rbac"]),
        ("portal", &["outbound", "model", "rbac"]),
        ("store", &["model", "rbac"]),
        ("db", &["store", "model", "rbac"]),
        ("dbauthz", &["store", "model", "rbac"]),
        ("auth", &["outbound", "dbauthz", "store", "model", "rbac"]),
        (
            "gateway",
            &["auth", "outbound", "dbauthz", "store", "model", "rbac"],
        ),
        (
            "notifier",
            &["outbound", "dbauthz", "store", "model", "rbac"],
        ),
        ("caps", &["portal", "dbauthz", "store", "model", "rbac"]),
        (
            "chat",
            &["gateway", "auth", "dbauthz", "store", "model", "rbac"],
        ),
        (
            "api",
            &[
                "caps",
                "chat",
                "auth",
                "dbauthz",
                "store",
                "model",
                "rbac",
                "bursar-sdk",
            ],
        ),
        (
            "bursar",
            &[
                "api",
                "caps",
                "portal",
                "chat",
                "gateway",
                "notifier",
                "auth",
                "db",
                "dbauthz",
                "store",
                "model",
                "rbac",
                "bursar-sdk",
                "fakeprovider",
            ],
        ),
        (
            "testkit",
            &[
                "bursar",
                "api",
                "caps",
                "portal",
                "chat",
                "gateway",
                "notifier",
                "auth",
                "db",
                "dbauthz",
                "store",
                "model",
                "rbac",
                "bursar-sdk",
                "fakeprovider",
                "fakeportal",
            ],
        ),
        ("xtask", &["api", "db", "dbauthz", "rbac"]),
    ];

    /// Libraries that only some crates may use: SQL stays in `db`, HTTP serving stays above `dbauthz`.
    const ONLY_IN: &[(&str, &[&str])] = &[
        ("diesel", &["db"]),
        ("diesel-async", &["db"]),
        ("diesel_migrations", &["db"]),
        ("tokio-postgres", &["db", "testkit", "xtask"]),
        (
            "axum",
            &[
                "api",
                "auth",
                "gateway",
                "bursar",
                "fakeprovider",
                "fakeportal",
                "testkit",
            ],
        ),
        ("argon2", &["auth"]),
        ("openidconnect", &["auth"]),
        ("genai-prices", &["model"]),
        ("utoipa", &["api", "bursar-sdk"]),
    ];

    /// Libraries that must not come in by any road: they need C libraries or a second TLS.
    const BANNED: &[&str] = &["openssl-sys", "native-tls", "pq-sys", "aws-lc-sys"];

    #[test]
    fn crates_know_only_what_lies_below_them() {
        let metadata = MetadataCommand::new()
            .other_options(["--locked".into()])
            .exec()
            .unwrap();
        let arrows: BTreeMap<_, BTreeSet<_>> = ARROWS
            .iter()
            .map(|(from, to)| (*from, to.iter().copied().collect()))
            .collect();
        let mut wrong = Vec::new();
        for package in metadata.workspace_packages() {
            let Some(allowed) = arrows.get(package.name.as_str()) else {
                wrong.push(format!("`{}` is not in the picture", package.name));
                continue;
            };
            // Tests may reach upwards: a crate's tests may use `testkit`.
            for dependency in package
                .dependencies
                .iter()
                .filter(|d| d.kind == DependencyKind::Normal)
            {
                let name = dependency.name.as_str();
                if arrows.contains_key(name) && !allowed.contains(name) {
                    wrong.push(format!("`{}` must not know `{name}`", package.name));
                }
                let only = ONLY_IN.iter().find(|(library, _)| *library == name);
                if only.is_some_and(|(_, crates)| !crates.contains(&package.name.as_str())) {
                    wrong.push(format!("`{}` must not use `{name}`", package.name));
                }
            }
        }
        let banned = metadata
            .packages
            .iter()
            .filter(|p| BANNED.contains(&p.name.as_str()));
        wrong.extend(banned.map(|package| format!("`{}` must not come in", package.name)));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
