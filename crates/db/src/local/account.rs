//! Whom PostgreSQL runs as: itself when Bursar is an ordinary user, an unprivileged account under root.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::LocalError;

/// The accounts that may own a cluster made by root, the preferred one first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// An unprivileged account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Whether this process has root's rights (the effective user counts).
pub(super) fn running_as_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The account for PostgreSQL's processes and files; `None` means Bursar's own user.
///
/// An existing cluster decides (`cluster_owner`), so that an account `postgres` which appears later does
/// not lock out a cluster that was made as `nobody`.
pub(super) fn server_account(
    cluster: &Path,
    cluster_owner: Option<u32>,
) -> Result<Option<Account>, LocalError> {
    if running_as_root() {
        let passwd = Path::new("/etc/passwd");
        let text = std::fs::read_to_string(passwd).map_err(LocalError::io("read", passwd))?;
        return choose(&text, cluster, cluster_owner).map(Some);
    }
    let own = rustix::process::geteuid().as_raw();
    match cluster_owner {
        Some(found) if found != own => Err(LocalError::ClusterOwner {
            cluster: cluster.to_path_buf(),
            found,
            expected: own,
        }),
        _ => Ok(None),
    }
}

fn choose(passwd: &str, cluster: &Path, owner: Option<u32>) -> Result<Account, LocalError> {
    let known = parse(passwd);
    let mut usable = CANDIDATES
        .iter()
        .filter_map(|name| known.get(name))
        .peekable();
    let first = (*usable.peek().ok_or(LocalError::NoAccount)?).clone();
    let Some(found) = owner else { return Ok(first) };
    usable
        .find(|account| account.uid == found)
        .cloned()
        .ok_or_else(|| LocalError::ClusterOwner {
            cluster: cluster.to_path_buf(),
            found,
            expected: first.uid,
        })
}

/// The accounts of a passwd file by name, without those that have root's rights.
fn parse(passwd: &str) -> BTreeMap<&str, Account> {
    let account = |line: &'_ str| {
        let mut fields = line.split(':');
        let (name, _, uid, gid) = (
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
        );
        Some(Account {
            name: name.to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    };
    passwd
        .lines()
        .filter_map(|line| Some((line.split(':').next()?, account(line)?)))
        .filter(|(_, account)| account.uid != 0)
        .collect()
}

/// Checks that `account` may pass through `target` and every folder above it.
///
/// Only the classic permission bits are looked at. `target` must exist.
pub(super) fn check_traversable(target: &Path, account: &Account) -> Result<(), LocalError> {
    let real = target
        .canonicalize()
        .map_err(LocalError::io("find", target))?;
    let mut chain: Vec<&Path> = real.ancestors().collect();
    chain.reverse();
    for folder in chain {
        let metadata = folder
            .metadata()
            .map_err(LocalError::io("look at", folder))?;
        if !may_traverse(metadata.mode(), metadata.uid(), metadata.gid(), account) {
            return Err(LocalError::Untraversable {
                folder: folder.to_path_buf(),
                target: target.to_path_buf(),
                account: account.name.clone(),
            });
        }
    }
    Ok(())
}

fn may_traverse(mode: u32, uid: u32, gid: u32, account: &Account) -> bool {
    let bit = if uid == account.uid {
        0o100
    } else if gid == account.gid {
        0o010
    } else {
        0o001
    };
    mode & bit != 0
}

/// Removes Bursar's environment from a child: it may hold secrets and `PG…` variables that mislead it.
pub(super) fn clean_environment(command: &mut Command) {
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .current_dir("/");
}

/// A command that runs `program` as `account`, with no environment and no standard input.
pub(super) fn command(program: &Path, account: Option<&Account>) -> tokio::process::Command {
    let mut command = Command::new(program);
    clean_environment(&mut command);
    command.stdin(std::process::Stdio::null());
    if let Some(account) = account {
        // the standard library drops root's supplementary groups when it changes the user
        command.uid(account.uid).gid(account.gid);
    }
    command.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        # a comment\n\
        nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n\
        postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n\
        broken:x\n";

    #[test]
    fn postgres_is_preferred_and_an_existing_cluster_decides() {
        let check = |passwd: &str, owner, expected: Option<(&str, u32, u32)>| {
            let account = choose(passwd, Path::new("/c"), owner).ok();
            let account = account.as_ref().map(|a| (a.name.as_str(), a.uid, a.gid));
            assert_eq!(account, expected, "{passwd} {owner:?}");
        };
        let nobody = "nobody:x:65534:65533::/:/bin/false";
        check(PASSWD, None, Some(("postgres", 101, 104)));
        check(PASSWD, Some(65534), Some(("nobody", 65534, 65533)));
        check(PASSWD, Some(1000), None);
        check(nobody, None, Some(("nobody", 65534, 65533)));
        check(nobody, Some(101), None);
        check("postgres:x:0:0::/:/bin/sh", None, None);
        check("", None, None);
    }

    #[test]
    fn the_first_class_that_fits_decides_about_traversal() {
        let account = Account {
            name: "postgres".to_owned(),
            uid: 101,
            gid: 104,
        };
        for (mode, uid, gid, expected) in [
            (0o711, 0, 0, true),
            (0o700, 0, 0, false),
            (0o700, 101, 0, true),
            (0o611, 101, 0, false),
            (0o710, 0, 104, true),
            (0o701, 0, 104, false),
            (0o1777, 0, 0, true),
        ] {
            assert_eq!(
                may_traverse(mode, uid, gid, &account),
                expected,
                "{mode:o} {uid} {gid}"
            );
        }
    }

    #[tokio::test]
    async fn a_child_under_root_keeps_no_group_of_root() {
        if !running_as_root() {
            return; // only root can change the user
        }
        let account = Account {
            name: "any".to_owned(),
            uid: 65534,
            gid: 65533,
        };
        let output = command(Path::new("/bin/sh"), Some(&account))
            .args(["-c", "id -u; id -G; env | grep -c SECRET"])
            .output()
            .await
            .expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "65534\n65533\n0\n");
    }
}
