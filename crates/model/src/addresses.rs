//! Where outbound requests may go: link-local, metadata and other special addresses are refused, whatever
//! name led there. Loopback and private ones are allowed for providers, since local models live on them, and
//! for webhooks only where an option says so ([`Reach`]).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that requests are not sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("requests to the address `{0}` are not allowed")]
pub struct RefusedAddress(pub IpAddr);

/// Where clouds tell a machine its secrets outside the link-local range: Azure (a public address), Alibaba and
/// Tencent, Oracle.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same on IPv6: Google. All of `fd00:ec2::/32` is Amazon's.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254);

/// Says whether requests may go to this address.
///
/// # Errors
/// [`RefusedAddress`] for link-local, metadata, unspecified, multicast and reserved addresses, also when
/// they are written as IPv4 inside IPv6 (mapped, translated, compatible, NAT64 or 6to4).
pub fn check(address: IpAddr) -> Result<(), RefusedAddress> {
    let refused = match address {
        IpAddr::V4(v4) => refused_v4(v4),
        IpAddr::V6(v6) => refused_v6(v6),
    };
    if refused {
        Err(RefusedAddress(address))
    } else {
        Ok(())
    }
}

/// Checks a host that is written as an address, which no resolver ever sees.
///
/// # Errors
/// [`RefusedAddress`], see [`check`].
pub fn check_literal(url: &url::Url) -> Result<(), RefusedAddress> {
    match url.host() {
        Some(url::Host::Ipv4(address)) => check(IpAddr::V4(address)),
        Some(url::Host::Ipv6(address)) => check(IpAddr::V6(address)),
        Some(url::Host::Domain(_)) | None => Ok(()),
    }
}

/// How far requests of one kind may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reach {
    /// To public addresses alone.
    #[default]
    Public,
    /// Also to this machine and to private networks.
    Private,
}

impl Reach {
    /// Says whether requests may go to this address.
    ///
    /// # Errors
    /// As [`check`]; for [`Reach::Public`] also for loopback and private addresses, those that carriers share, and
    /// those that are kept for tests and documents, in every spelling.
    pub fn check(self, address: IpAddr) -> Result<(), RefusedAddress> {
        check(address)?;
        let private = match address {
            IpAddr::V4(v4) => private_v4(v4),
            IpAddr::V6(v6) => private_v6(v6),
        };
        if private && self == Self::Public {
            return Err(RefusedAddress(address));
        }
        Ok(())
    }

    /// Checks a host that is written as an address, which no resolver ever sees.
    ///
    /// # Errors
    /// [`RefusedAddress`], see [`Reach::check`].
    pub fn check_literal(self, url: &url::Url) -> Result<(), RefusedAddress> {
        match url.host() {
            Some(url::Host::Ipv4(address)) => self.check(IpAddr::V4(address)),
            Some(url::Host::Ipv6(address)) => self.check(IpAddr::V6(address)),
            Some(url::Host::Domain(_)) | None => Ok(()),
        }
    }
}

fn private_v4(address: Ipv4Addr) -> bool {
    let carriers = matches!(address.octets(), [100, 64..=127, ..]);
    let protocols = matches!(address.octets(), [192, 0, 0, _] | [192, 88, 99, _]);
    let benchmarks = matches!(address.octets(), [198, 18..=19, ..]);
    address.is_loopback()
        || address.is_private()
        || address.is_documentation()
        || carriers
        || protocols
        || benchmarks
}

fn private_v6(address: Ipv6Addr) -> bool {
    if address == Ipv6Addr::LOCALHOST || address.is_unique_local() {
        return true;
    }
    match address.segments() {
        // Site-local, documentation and discard-only addresses.
        [0xfec0..=0xfeff, ..] | [0x2001, 0x0db8, ..] | [0x0100, 0, 0, 0, ..] => true,
        // Teredo, and the NAT64 prefix that a network chooses by itself, hide an IPv4 address.
        [0x2001, 0, ..] | [0x0064, 0xff9b, 1, ..] => true,
        _ => embedded_v4(address).is_some_and(private_v4),
    }
}

fn refused_v4(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    // 0.0.0.0/8 is "this host": several systems connect it to the machine itself.
    first == 0
        || address.is_link_local()
        || address.is_multicast()
        || first >= 240
        || METADATA_V4.contains(&address)
}

fn refused_v6(address: Ipv6Addr) -> bool {
    if address == Ipv6Addr::LOCALHOST {
        return false;
    }
    if address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || address == METADATA_V6
        || matches!(address.segments(), [0xfd00, 0x0ec2, ..])
    {
        return true;
    }
    embedded_v4(address).is_some_and(refused_v4)
}

/// The IPv4 address inside an IPv6 one, for the forms that a host or a gateway turns back into IPv4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            Some(joined(high, low))
        }
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(joined(high, low)),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, check, check_literal};

    #[test]
    fn special_addresses_are_refused_in_every_spelling() {
        let check = |text: &str, allowed: bool| {
            assert_eq!(check(text.parse().unwrap()).is_ok(), allowed, "{text}");
        };
        for refused in [
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "::ffff:168.63.129.16",
            "64:ff9b::100.100.100.200",
            "::ffff:0:169.254.169.254",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            check(refused, false);
        }
        for allowed in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "10.0.0.1",
            "fd00::1",
            "8.8.8.8",
        ] {
            check(allowed, true);
        }
    }

    #[test]
    fn public_requests_stay_out_of_private_networks_in_every_spelling() {
        let check = |text: &str, public: bool, private: bool| {
            let address = text.parse().unwrap();
            assert_eq!(Reach::Public.check(address).is_ok(), public, "{text}");
            assert_eq!(Reach::Private.check(address).is_ok(), private, "{text}");
        };
        for public in [
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            check(public, true, true);
        }
        for private in [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "::1",
            "fd00::1",
            "fc12::1",
            "fec0::1",
            "2001:db8::1",
            "2001:0:1::1",
            "64:ff9b:1::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:a00:1::1",
        ] {
            check(private, false, true);
        }
        for refused in [
            "169.254.169.254",
            "0.0.0.0",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:0.0.0.0",
        ] {
            check(refused, false, false);
        }
    }

    #[test]
    fn hosts_written_as_addresses_are_checked() {
        let check = |text: &str, allowed: bool| {
            assert_eq!(
                check_literal(&text.parse().unwrap()).is_ok(),
                allowed,
                "{text}"
            );
        };
        check("http://169.254.169.254/latest", false);
        check("http://0xA9FEA9FE/", false);
        check("http://[fe80::1]/", false);
        check("http://[::ffff:a9fe:a9fe]/", false);
        check("http://127.0.0.1:8080/v1", true);
        check("https://api.openai.com/v1", true);
    }
}
