//! The order of the house, checked: the length of files, the line that opens them, manifests, migrations.

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    use crate::paths::root;

    /// About 400 lines are wanted, this many are the end.
    const MAX_LINES: usize = 800;

    fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, extension, found);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }

    fn sources() -> Vec<PathBuf> {
        let mut found = Vec::new();
        files(&root().join("crates"), "rs", &mut found);
        files(&root().join("xtask"), "rs", &mut found);
        found
    }

    fn generated(path: &Path) -> bool {
        let files = [
            "db/src/schema.rs",
            "client/generated.rs",
            "rbac/src/generated.rs",
        ];
        files.iter().any(|file| path.ends_with(file))
    }

    #[test]
    fn files_are_short_and_say_what_they_are_for() {
        let mut wrong = Vec::new();
        for path in sources() {
            let text = fs::read_to_string(&path).unwrap();
            let first = text.lines().next().unwrap_or_default();
            if generated(&path) {
                if !first.contains("@generated") {
                    wrong.push(format!(
                        "{}: no header says that it is generated",
                        path.display()
                    ));
                }
            } else {
                if !first.starts_with("//!") {
                    wrong.push(format!("{}: no `//!` line opens it", path.display()));
                }
                if text.lines().count() > MAX_LINES {
                    wrong.push(format!("{}: over {MAX_LINES} lines", path.display()));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn members_inherit_lints_versions_and_features() {
        let mut manifests = vec![root().join("xtask/Cargo.toml")];
        files(&root().join("crates"), "toml", &mut manifests);
        let mut wrong = Vec::new();
        for path in manifests.iter().filter(|path| path.ends_with("Cargo.toml")) {
            let manifest: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
            let name = path.display();
            let lints = manifest
                .get("lints")
                .and_then(|lints| lints.get("workspace"));
            if lints != Some(&toml::Value::Boolean(true)) {
                wrong.push(format!("{name}: does not inherit the lints"));
            }
            for kind in ["dependencies", "dev-dependencies"] {
                let table = manifest.get(kind).and_then(toml::Value::as_table);
                for (dependency, value) in table.into_iter().flatten() {
                    let inherited = value.get("workspace") == Some(&toml::Value::Boolean(true));
                    // Our own crates may switch on features of each other; libraries are set in one place.
                    let ours = dependency == "bursar-sdk"
                        || root().join("crates").join(dependency).exists();
                    if !inherited || (value.get("features").is_some() && !ours) {
                        wrong.push(format!(
                            "{name}: `{dependency}` is not set in the workspace"
                        ));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn migrations_have_both_ways_and_rising_times() {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(root().join("migrations")).unwrap() {
            let path = entry.unwrap().path();
            assert!(
                path.join("up.sql").exists(),
                "{}: no up.sql",
                path.display()
            );
            assert!(
                path.join("down.sql").exists(),
                "{}: no down.sql",
                path.display()
            );
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (time, rest) = name.split_at(17);
            let shape: String = time
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
                .collect();
            assert_eq!(shape, "0000-00-00-000000", "{name}");
            assert!(rest.starts_with('_'), "{name}");
            assert!(names.insert(time.to_owned()), "{name}: its time is taken");
        }
        assert!(!names.is_empty());
    }

    #[test]
    fn the_two_commands_of_the_readme_are_what_is_tested() {
        let readme = fs::read_to_string(root().join("README.md")).unwrap();
        let ci = fs::read_to_string(root().join("xtask/src/ci.rs")).unwrap();
        for command in ["cargo run --release -- demo", "cargo test --workspace"] {
            assert!(
                readme.contains(command),
                "the README does not say `{command}`"
            );
            assert!(
                ci.contains(command),
                "what CI runs does not say `{command}`"
            );
        }
    }
}
