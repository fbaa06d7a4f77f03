//! Finding PostgreSQL's programs: where to look, which of several to take.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{LocalError, account};

/// The oldest major version that Bursar runs on.
const MINIMUM_MAJOR: u32 = 14;

/// Where the packages of Debian, Fedora and Homebrew put the programs; `*` is any version.
const USUAL_FOLDERS: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/bin", "", ""),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
    ("/usr/local/pgsql/bin", "", ""),
];

/// A folder of PostgreSQL programs that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// The folder.
    pub bin_dir: PathBuf,
    /// The major version, such as 15.
    pub major: u32,
    /// The version as the programs print it, such as `15.4`.
    pub version: String,
}

impl Programs {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// Asks `postgres` in `bin_dir` for its version; `None` when it or `initdb` is not there or does not run.
    fn probe(bin_dir: &Path) -> Option<Programs> {
        if !bin_dir.join("initdb").is_file() {
            return None;
        }
        let output = said(&bin_dir.join("postgres"), "--version")?;
        let text = output.to_str()?;
        let (_, after) = text.split_once("(PostgreSQL) ")?;
        let version = after.split_whitespace().next()?.to_owned();
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        Some(Programs {
            bin_dir: bin_dir.to_path_buf(),
            major: digits.parse().ok()?,
            version,
        })
    }
}

/// Finds PostgreSQL's programs, 14 or newer; the newest wins, the first found among equals.
///
/// With `explicit` only that folder counts. Else `pg_config --bindir`, the folders of `PATH`
/// (`path_env`) and the usual folders of Debian, Fedora and Homebrew are looked at, in this order. An
/// existing cluster is run by programs of its own major version, see [`super::LocalPostgres::start`].
/// Runs `postgres --version` of each candidate, so it blocks for some milliseconds.
///
/// # Errors
/// [`LocalError::NoPrograms`], [`LocalError::ProgramsUnusable`] (only with `explicit`) or
/// [`LocalError::ProgramsTooOld`].
pub fn find_programs(
    explicit: Option<&Path>,
    path_env: Option<&OsStr>,
) -> Result<Programs, LocalError> {
    find_all(explicit, path_env)?
        .into_iter()
        .next()
        .ok_or(LocalError::NoPrograms)
}

/// All usable programs, newest first, at least one.
pub(super) fn find_all(
    explicit: Option<&Path>,
    path_env: Option<&OsStr>,
) -> Result<Vec<Programs>, LocalError> {
    match explicit {
        Some(bin_dir) => {
            let unusable = || LocalError::ProgramsUnusable {
                bin_dir: bin_dir.to_path_buf(),
            };
            let bin_dir = std::path::absolute(bin_dir)
                .map_err(LocalError::io("make absolute the path", bin_dir))?;
            newest_first(vec![Programs::probe(&bin_dir).ok_or_else(unusable)?])
        }
        None => newest_first(probe_all(candidates(path_env, Path::new("/")))),
    }
}

/// The one to run a cluster of `cluster_major` (any, when there is no cluster yet).
pub(super) fn choose(
    found: Vec<Programs>,
    cluster: &Path,
    cluster_major: Option<u32>,
) -> Result<Programs, LocalError> {
    let Some(cluster_major) = cluster_major else {
        return found.into_iter().next().ok_or(LocalError::NoPrograms);
    };
    let majors: Vec<String> = found
        .iter()
        .map(|programs| programs.major.to_string())
        .collect();
    found
        .into_iter()
        .find(|programs| programs.major == cluster_major)
        .ok_or_else(|| LocalError::WrongMajor {
            cluster: cluster.to_path_buf(),
            cluster_major,
            found: majors.join(", "),
        })
}

fn newest_first(mut found: Vec<Programs>) -> Result<Vec<Programs>, LocalError> {
    found.sort_by_key(|programs| Reverse(programs.major)); // stable: the order of search stays
    let newest = found.first().ok_or(LocalError::NoPrograms)?.clone();
    found.retain(|programs| programs.major >= MINIMUM_MAJOR);
    if found.is_empty() {
        return Err(LocalError::ProgramsTooOld {
            bin_dir: newest.bin_dir,
            version: newest.version,
            minimum: MINIMUM_MAJOR,
        });
    }
    Ok(found)
}

fn probe_all(candidates: Vec<PathBuf>) -> Vec<Programs> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for folder in candidates {
        let Ok(real) = folder.canonicalize() else {
            continue;
        };
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        found.extend(Programs::probe(&folder));
    }
    found
}

/// The folders to look at, in order. `root` is `/` outside tests.
fn candidates(path_env: Option<&OsStr>, root: &Path) -> Vec<PathBuf> {
    let path: Vec<PathBuf> = path_env
        .map(|value| {
            std::env::split_paths(value)
                .filter(|folder| folder.is_absolute())
                .collect()
        })
        .unwrap_or_default();
    let mut folders: Vec<PathBuf> = path
        .iter()
        .find_map(|folder| said(&folder.join("pg_config"), "--bindir"))
        .map(PathBuf::from)
        .into_iter()
        .collect();
    folders.extend(path);
    for (parent, prefix, below) in USUAL_FOLDERS {
        let parent = root.join(parent.trim_start_matches('/'));
        if prefix.is_empty() && below.is_empty() {
            folders.push(parent);
            continue;
        }
        let mut versions: Vec<PathBuf> = std::fs::read_dir(&parent)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
            })
            .map(|path| path.join(below))
            .collect();
        versions.sort();
        folders.extend(versions);
    }
    folders
}

/// What `program argument` prints on its standard output, without the line's end; `None` if it fails.
fn said(program: &Path, argument: &str) -> Option<OsString> {
    let mut command = Command::new(program);
    account::clean_environment(&mut command);
    let output = command.arg(argument).stdin(Stdio::null()).output().ok()?;
    let line = output.stdout.trim_ascii().to_vec();
    (output.status.success() && !line.is_empty()).then(|| OsString::from_vec(line))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn script(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        // Written by another process: were it open for writing here while another test's thread starts a
        // program, that child would hold it open, and starting it would fail as "text file busy".
        let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let status = Command::new("sh")
            .args(["-c", write, "sh"])
            .arg(path)
            .arg(text)
            .status();
        assert!(status.expect("sh").success());
    }

    /// A folder with fake programs of `version` at `root`/`folder`.
    fn fake(root: &Path, folder: &str, version: &str) -> PathBuf {
        let bin_dir = root.join(folder);
        script(&bin_dir.join("initdb"), "exit 1");
        script(
            &bin_dir.join("postgres"),
            &format!("[ \"$1\" = --version ] && echo 'postgres (PostgreSQL) {version}'"),
        );
        bin_dir
    }

    #[test]
    fn versions_are_read_as_printed() {
        let root = tempfile::tempdir().expect("folder");
        for (number, (printed, major, version)) in [
            ("15.4 (Debian 15.4-1.pgdg120+1)", Some(15), "15.4"),
            ("18beta1", Some(18), "18beta1"),
            ("9.6.24", Some(9), "9.6.24"),
            ("devel", None, ""),
        ]
        .into_iter()
        .enumerate()
        {
            let bin_dir = fake(root.path(), &number.to_string(), printed);
            let programs = Programs::probe(&bin_dir);
            assert_eq!(
                programs.as_ref().map(|programs| programs.major),
                major,
                "{printed}"
            );
            assert_eq!(
                programs.map_or(String::new(), |programs| programs.version),
                version
            );
        }
    }

    #[test]
    fn newest_wins_and_the_order_of_search_decides_among_equals() {
        let root = tempfile::tempdir().expect("folder");
        let root = root.path();
        let configured = fake(root, "opt/custom/bin", "16.2");
        let on_path = fake(root, "home/pg/bin", "16.9");
        fake(root, "usr/lib/postgresql/14/bin", "14.1");
        script(
            &root.join("tools/pg_config"),
            &format!("echo {}", configured.display()),
        );
        let path = std::env::join_paths([root.join("tools"), on_path.clone()]).expect("path");
        let search = |path: Option<&OsStr>| {
            newest_first(probe_all(candidates(path, root)))
                .map(|found| {
                    found
                        .into_iter()
                        .map(|programs| programs.bin_dir)
                        .collect::<Vec<_>>()
                })
                .expect("programs")
        };

        let debian = root.join("usr/lib/postgresql/14/bin");
        assert_eq!(
            search(Some(&path)),
            [configured.clone(), on_path.clone(), debian.clone()]
        );
        assert_eq!(search(None), std::slice::from_ref(&debian));

        let newest = fake(root, "usr/lib/postgresql/17/bin", "17.0");
        assert_eq!(search(Some(&path)), [newest, configured, on_path, debian]);
    }

    #[test]
    fn a_named_folder_is_the_only_one_looked_at() {
        let root = tempfile::tempdir().expect("folder");
        let old = fake(root.path(), "old", "13.11");
        let new = fake(root.path(), "new", "17.1");
        let path = Some(new.as_os_str());

        assert_eq!(find_programs(Some(&new), None).expect("programs").major, 17);
        let error = find_programs(Some(&old), path).expect_err("too old");
        assert!(matches!(&error, LocalError::ProgramsTooOld { version, .. } if version == "13.11"));
        let error = find_programs(Some(&root.path().join("none")), path).expect_err("nothing");
        assert!(matches!(error, LocalError::ProgramsUnusable { .. }));
    }

    #[test]
    fn nothing_found_says_what_to_install() {
        let root = tempfile::tempdir().expect("folder");
        let error = newest_first(probe_all(candidates(None, root.path()))).expect_err("nothing");
        assert!(
            error.to_string().contains("apt-get install postgresql"),
            "{error}"
        );
    }

    #[test]
    fn a_cluster_is_run_by_programs_of_its_own_major_version() {
        let found = |majors: &[u32]| -> Vec<Programs> {
            let programs = |major: &u32| Programs {
                bin_dir: PathBuf::from("/x"),
                major: *major,
                version: major.to_string(),
            };
            majors.iter().map(programs).collect()
        };
        let check = |majors: &[u32], cluster, expected: Option<u32>| {
            let chosen = choose(found(majors), Path::new("/c"), cluster);
            assert_eq!(
                chosen.ok().map(|programs| programs.major),
                expected,
                "{majors:?}"
            );
        };
        check(&[17, 15], None, Some(17));
        check(&[17, 15], Some(15), Some(15));
        check(&[17, 15], Some(16), None);
        let error = choose(found(&[17, 15]), Path::new("/c"), Some(13)).expect_err("none");
        assert!(
            error
                .to_string()
                .contains("PostgreSQL 13, but the programs found are of 17, 15")
        );
    }
}
