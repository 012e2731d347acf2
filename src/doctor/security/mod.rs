//! Who can reach the stack, and what a service could do if it were taken over.

pub(super) mod admin_api;
pub(super) mod env_file;
pub(super) mod hardening;
pub(super) mod image_age;
pub(super) mod passwords;
pub(super) mod published;
pub(super) mod secret_files;
