//! The resolver that never leads to an address which requests may not go to; the rule is the model's.

use std::net::SocketAddr;

use model::addresses::{RefusedAddress, check};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The system's resolver, without the addresses that are refused.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let kept: Addrs = Box::new(allowed(&found)?.into_iter());
            Ok(kept)
        })
    }
}

/// The addresses that may be used; an error when there were some, but none of that kind.
fn allowed(found: &[SocketAddr]) -> Result<Vec<SocketAddr>, RefusedAddress> {
    let kept: Vec<SocketAddr> = found
        .iter()
        .copied()
        .filter(|address| check(address.ip()).is_ok())
        .collect();
    match found.first() {
        Some(first) if kept.is_empty() => Err(RefusedAddress(first.ip())),
        Some(_) | None => Ok(kept),
    }
}

#[cfg(test)]
mod tests {
    use super::{GuardedResolver, allowed};
    use reqwest::dns::Resolve;

    #[test]
    fn only_allowed_addresses_are_kept() {
        let list = |text: &str| -> Vec<std::net::SocketAddr> {
            text.split_whitespace()
                .map(|one| one.parse().unwrap())
                .collect()
        };
        let check = |found: &str, kept: Option<&str>| {
            assert_eq!(allowed(&list(found)).ok(), kept.map(list), "{found}");
        };
        check("127.0.0.1:0 169.254.169.254:0", Some("127.0.0.1:0"));
        check("169.254.169.254:0", None);
        check("[fe80::1]:0 [::ffff:a9fe:a9fe]:0", None);
        check("", Some(""));
    }

    #[tokio::test]
    async fn the_resolver_lets_loopback_through() {
        let found = GuardedResolver
            .resolve("localhost".parse().unwrap())
            .await
            .unwrap();
        assert!(found.into_iter().all(|address| address.ip().is_loopback()));
    }
}
