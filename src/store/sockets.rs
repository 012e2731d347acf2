//! The table of this machine's listening TCP sockets, as Linux keeps it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses on which something listens at `port`; `None` where the table cannot be read.
pub fn listeners(port: u16) -> Option<Vec<IpAddr>> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).ok());
    let [Some(v4), v6] = tables else { return None };
    let mut found: Vec<IpAddr> = addresses(&v4, port);
    found.extend(addresses(&v6.unwrap_or_default(), port));
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// Local addresses of the lines in state LISTEN (`0A`).
fn addresses(table: &str, port: u16) -> Vec<IpAddr> {
    let lines = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (address, state) = (fields.nth(1)?, fields.nth(1)?);
        let (address, at) = address.split_once(':')?;
        (state == "0A" && u16::from_str_radix(at, 16).ok()? == port).then(|| ip(address)).flatten()
    });
    lines.collect()
}

/// Words of four bytes, each in the machine's own order (little-endian wherever this runs).
fn ip(hex: &str) -> Option<IpAddr> {
    let mut bytes = Vec::new();
    for word in 0..hex.len() / 8 {
        let number = u32::from_str_radix(hex.get(word * 8..word * 8 + 8)?, 16).ok()?;
        bytes.extend(number.to_le_bytes());
    }
    match bytes.len() {
        4 => Some(IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))),
        16 => {
            let address = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
            Some(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn listening_addresses_are_read_from_the_kernels_table() {
        let v4 = "  sl  local_address rem_address   st\n   0: 0100007F:0BB9 00000000:0000 0A x\n   1: 00000000:0BBA 00000000:0000 0A x\n   2: 0100007F:0BB9 0100007F:1000 01 x\n";
        assert_eq!(addresses(v4, 3001), [IpAddr::from([127, 0, 0, 1])]);
        assert_eq!(addresses(v4, 3002), [IpAddr::from([0, 0, 0, 0])]);
        let v6 = "head\n 0: 00000000000000000000000001000000:0BB9 0:0 0A x\n 1: 00000000000000000000000000000000:0BB9 0:0 0A x\n";
        assert_eq!(addresses(v6, 3001), [Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED]);
        assert_eq!(addresses("", 1), Vec::<IpAddr>::new());
    }

    #[test]
    fn a_listener_of_our_own_is_seen() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listeners(port).unwrap(), [IpAddr::from([127, 0, 0, 1])]);
    }
}
