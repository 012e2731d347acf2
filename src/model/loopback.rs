//! Addresses that mean the machine itself. Inside a container that is the container, not its host.

/// The name by which a container of the stack reaches the machine that runs the engine.
pub const ENGINE_HOST: &str = "host.docker.internal";

/// True for `localhost`, 127.0.0.0/8, `[::1]`, and the addresses that a server listens on to mean "all".
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']');
    let name = host.to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let is_own = |ip: std::net::IpAddr| ip.is_loopback() || ip.is_unspecified();
    name.parse().is_ok_and(is_own)
}

/// The host of `http://host:port/…`, `host:port` or `host`.
pub fn host_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && !host.is_empty() => host,
        _ => authority,
    }
}

/// The same address at the engine's machine, when its host means the container itself.
pub fn at_engine_host(address: &str) -> Option<String> {
    let host = host_of(address);
    if host.is_empty() || !is_loopback(host) {
        return None;
    }
    // Behind the scheme and the user, so that neither is taken for the host.
    let scheme_end = address.find("://").map_or(0, |at| at + 3);
    let authority = address.get(scheme_end..)?.split(['/', '?', '#']).next()?;
    let from = scheme_end + authority.rfind('@').map_or(0, |at| at + 1);
    let at = from + address.get(from..)?.find(host)?;
    Some(format!("{}{ENGINE_HOST}{}", address.get(..at)?, address.get(at + host.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_this_machine_is_known_and_nothing_else() {
        for own in
            ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.9.0.1", "[::1]", "0.0.0.0", "[::]"]
        {
            assert!(is_loopback(own), "{own}");
        }
        for other in
            ["host.docker.internal", "localhost.example.com", "10.0.0.1", "[fe80::1]", "mylocalhost", ""]
        {
            assert!(!is_loopback(other), "{other}");
        }
    }

    #[test]
    fn only_the_host_is_replaced() {
        for (address, expected) in [
            ("http://localhost:3001/metrics", "http://host.docker.internal:3001/metrics"),
            ("http://[::1]:3001/localhost", "http://host.docker.internal:3001/localhost"),
            ("https://u:p@127.0.0.1/x?y=127.0.0.1", "https://u:p@host.docker.internal/x?y=127.0.0.1"),
            ("http://localhost/a@b", "http://host.docker.internal/a@b"),
            ("127.0.0.1:25", "host.docker.internal:25"),
            ("0.0.0.0:9", "host.docker.internal:9"),
        ] {
            assert_eq!(at_engine_host(address).as_deref(), Some(expected), "{address}");
        }
        for address in ["http://api.example.com/localhost", "smtp.example.com:25", "", "http://"] {
            assert_eq!(at_engine_host(address), None, "{address}");
        }
    }
}
