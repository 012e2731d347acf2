//! The nouns that every other module uses. Pure values: no I/O, no clock, no engine types.

pub mod container_state;
pub mod dashboard_uid;
pub mod diagnostic;
pub mod duration;
pub mod hint;
pub mod image;
pub mod labels;
pub mod local_image;
pub mod loopback;
pub mod manifest;
pub mod observed;
pub mod port_holder;
pub mod project;
pub mod rendered;
pub mod secret;
pub mod service;
pub mod spec;
pub mod suggest;
pub mod url;

pub use container_state::ContainerState;
pub use dashboard_uid::{is_dashboard_uid, uid_of_file};
pub use diagnostic::{Diagnostic, Place, Severity};
pub use duration::PromDuration;
pub use hint::Hint;
pub use image::ImageRef;
pub use local_image::{LocalImage, Platform};
pub use manifest::{FileChanges, Manifest};
pub use observed::{ContainerDetail, Observed, ObservedContainer, ObservedNetwork, ObservedVolume};
pub use port_holder::PortHolder;
pub use project::Project;
pub use rendered::{FileSet, RenderedFile};
pub use secret::Secret;
pub use service::{ServiceKind, StackName};
pub use spec::{ContainerSpec, Mount, NetworkSpec, PublishedPort, RestartPolicy, Tmpfs};
pub use suggest::closest_name;
pub use url::percent_encoded;
