//! Who holds a port of this machine.

/// Who holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortHolder {
    Container(String),
    Process { pid: u32, name: String },
    Unknown,
}
