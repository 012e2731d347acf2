//! Which image a service runs, which one it could run, and whether it may. Pure: tags, digests and
//! observations in, decisions out.

pub mod availability;
pub mod candidates;
pub mod compatibility;
pub mod lock;
pub mod recovery;
pub mod version;

pub use lock::{ImagesLock, LockedImage};
pub use version::{ChangeKind, TagVersion};
