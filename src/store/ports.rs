//! Which TCP ports of this machine are taken, and by which process as far as Linux tells.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};

use crate::model::PortHolder;

/// True when nothing on this machine listens on `ip:port`.
pub fn is_free(ip: IpAddr, port: u16) -> bool {
    TcpListener::bind(SocketAddr::new(ip, port)).is_ok()
}

/// The next free port above `port` that is not in `taken`.
pub fn next_free(ip: IpAddr, port: u16, taken: &[u16]) -> Option<u16> {
    (port.saturating_add(1)..=port.saturating_add(200))
        .find(|next| !taken.contains(next) && is_free(ip, *next))
}

/// The process that listens on `port`, from /proc. Other users' processes stay unknown without root.
pub fn holder(port: u16) -> PortHolder {
    let inodes = listening_inodes(port);
    if inodes.is_empty() {
        return PortHolder::Unknown;
    }
    let Ok(processes) = fs::read_dir("/proc") else { return PortHolder::Unknown };
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if owns_socket(pid, &inodes) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            return PortHolder::Process { pid, name: name.trim().to_owned() };
        }
    }
    PortHolder::Unknown
}

/// Inodes of sockets in state LISTEN (`0A`) on the port, IPv4 and IPv6.
fn listening_inodes(port: u16) -> BTreeSet<String> {
    let suffix = format!(":{port:04X}");
    let mut inodes = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if let [_, local, _, "0A", ..] = fields.as_slice()
                && local.ends_with(&suffix)
                && let Some(inode) = fields.get(9)
            {
                inodes.insert(format!("socket:[{inode}]"));
            }
        }
    }
    inodes
}

fn owns_socket(pid: u32, inodes: &BTreeSet<String>) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|descriptor| {
        fs::read_link(descriptor.path())
            .is_ok_and(|target| inodes.contains(target.to_string_lossy().as_ref()))
    })
}
