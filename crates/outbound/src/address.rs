//! The resolver that never leads to an address which requests may not go to; the rule is the model's.

use std::{io, net::SocketAddr};

use model::addresses::{Reach, RefusedAddress};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The system's resolver, without the addresses that are refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuardedResolver(pub(crate) Reach);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let kept: Addrs = Box::new(resolve(name.as_str(), 0, reach).await?.into_iter());
            Ok(kept)
        })
    }
}

/// The addresses of a host, by name or by address, without those that are refused, for what is no HTTP.
///
/// # Errors
/// What the system's resolver says; [`std::io::ErrorKind::PermissionDenied`] with [`RefusedAddress`] when the host has
/// addresses, but none that may be used.
pub async fn resolve(host: &str, port: u16, reach: Reach) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    allowed(&found, reach)
        .map_err(|refused| io::Error::new(io::ErrorKind::PermissionDenied, refused))
}

/// The addresses that may be used; an error when there were some, but none of that kind.
fn allowed(found: &[SocketAddr], reach: Reach) -> Result<Vec<SocketAddr>, RefusedAddress> {
    let kept: Vec<SocketAddr> = found
        .iter()
        .copied()
        .filter(|address| reach.check(address.ip()).is_ok())
        .collect();
    match found.first() {
        Some(first) if kept.is_empty() => Err(RefusedAddress(first.ip())),
        Some(_) | None => Ok(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::{GuardedResolver, allowed};
    use model::addresses::Reach;
    use reqwest::dns::Resolve;

    #[test]
    fn only_allowed_addresses_are_kept() {
        let list = |text: &str| -> Vec<std::net::SocketAddr> {
            text.split_whitespace()
                .map(|one| one.parse().unwrap())
                .collect()
        };
        let check = |reach, found: &str, kept: Option<&str>| {
            let allowed = allowed(&list(found), reach).ok();
            assert_eq!(allowed, kept.map(list), "{found}");
        };
        let private = Reach::Private;
        check(
            private,
            "127.0.0.1:0 169.254.169.254:0",
            Some("127.0.0.1:0"),
        );
        check(private, "169.254.169.254:0", None);
        check(private, "[fe80::1]:0 [::ffff:a9fe:a9fe]:0", None);
        check(private, "", Some(""));
        check(
            Reach::Public,
            "127.0.0.1:0 8.8.8.8:0 10.0.0.1:0",
            Some("8.8.8.8:0"),
        );
        check(Reach::Public, "127.0.0.1:0 10.0.0.1:0", None);
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_reached_by_those_who_may() {
        let ask = |reach| GuardedResolver(reach).resolve("localhost".parse().unwrap());
        let found = ask(Reach::Private).await.unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
        assert!(ask(Reach::Public).await.is_err());
    }
}
