//! Networks, volumes, images and files: what containers use.

use crate::engine::{ErrorKind, FileState};
use crate::model::Role;
use crate::model::{ContainerSpec, ContainerState, ImageRef, NetworkSpec, ObservedNetwork, labels};

use super::files::{below, clean, read_tar, write_tar};
use super::state::{Container, Refusal, State, no_container};

impl State {
    pub(super) fn create_network(&mut self, spec: &NetworkSpec) -> Result<String, Refusal> {
        if self.networks.values().any(|network| network.name == spec.name) {
            return Err((ErrorKind::Conflict, format!("network with name {} already exists", spec.name)));
        }
        let id = self.new_id();
        let mut labels = spec.labels.clone();
        labels.extend(
            [(labels::STACK, spec.stack.as_str()), (labels::ROLE, Role::Network.as_str())]
                .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let network =
            ObservedNetwork { id: id.clone(), name: spec.name.clone(), labels, gateway: String::new() };
        self.networks.insert(id.clone(), network);
        Ok(id)
    }

    /// Only running containers hold a network.
    pub(super) fn remove_network(&mut self, id: &str) -> Result<(), Refusal> {
        let Some(network) =
            self.networks.get(id).or_else(|| self.networks.values().find(|known| known.name == id))
        else {
            return Ok(());
        };
        let (id, name) = (network.id.clone(), network.name.clone());
        let holds = |container: &&Container| {
            container.state == ContainerState::Running && container.spec.network.as_ref() == Some(&name)
        };
        if self.containers.values().any(|container| holds(&container)) {
            return Err((ErrorKind::Conflict, format!("network {name} has active endpoints")));
        }
        self.networks.remove(&id);
        Ok(())
    }

    /// Any container, running or not, holds its volumes.
    pub(super) fn remove_volume(&mut self, name: &str) -> Result<(), Refusal> {
        let mut mounts = self.containers.values().flat_map(|container| &container.spec.mounts);
        if mounts.any(|mount| mount.volume == name) {
            return Err((ErrorKind::Conflict, format!("remove {name}: volume is in use")));
        }
        self.volumes.remove(name);
        Ok(())
    }

    pub(super) fn add_image(&mut self, image: &ImageRef) -> String {
        if let Some(id) = self.images.get(image) {
            return id.clone();
        }
        let id = format!("sha256:{}", self.new_id());
        self.images.insert(image.clone(), id.clone());
        id
    }

    pub(super) fn save_images(&mut self, images: &[ImageRef]) -> Result<Vec<u8>, Refusal> {
        let missing = |image: &ImageRef| (ErrorKind::ImageMissing, format!("No such image: {image}"));
        let line = |image| Ok(format!("{image} {}\n", self.images.get(image).ok_or_else(|| missing(image))?));
        let lines: Result<String, Refusal> = images.iter().map(line).collect();
        Ok(lines?.into_bytes())
    }

    pub(super) fn load_images(&mut self, archive: &[u8]) -> Result<(), Refusal> {
        for line in String::from_utf8_lossy(archive).lines() {
            let parts =
                line.split_once(' ').and_then(|(name, id)| Some((ImageRef::new(name)?, id.to_owned())));
            let (image, id) = parts.ok_or((ErrorKind::Other, "invalid archive".to_owned()))?;
            self.images.insert(image, id);
        }
        Ok(())
    }

    pub(super) fn tag_image(&mut self, image_id: &str, tag: &ImageRef) -> Result<(), Refusal> {
        if !self.images.values().any(|id| id == image_id) {
            return Err((ErrorKind::ImageMissing, format!("No such image: {image_id}")));
        }
        self.images.insert(tag.clone(), image_id.to_owned());
        Ok(())
    }

    pub(super) fn pull(&mut self, image: &ImageRef) -> Result<(), Refusal> {
        if !self.registry.contains(image) {
            return Err((ErrorKind::PullFailed, format!("manifest for {image} not found")));
        }
        self.add_image(image);
        Ok(())
    }

    pub(super) fn upload(&mut self, id: &str, root: &str, tar: &[u8]) -> Result<(), Refusal> {
        let spec = self.existing(id)?.spec.clone();
        let root = clean(root);
        if mount_of(&spec, &root).is_none() && spec.read_only_root {
            return Err((ErrorKind::Other, "container rootfs is marked read-only".to_owned()));
        }
        if !self.has_directory(&spec, &root) {
            return Err((ErrorKind::NotFound, format!("Could not find the file /{root} in container {id}")));
        }
        let entries = read_tar(tar).map_err(|error| (ErrorKind::Other, error.to_string()))?;
        for (path, file) in entries {
            let path = clean(&format!("{root}/{path}"));
            match mount_of(&spec, &path) {
                Some((volume, rest)) => {
                    self.volumes.entry(volume.to_owned()).or_default().files.insert(rest.to_owned(), file);
                }
                None => {
                    self.existing(id)?.layer.insert(path, file);
                }
            }
        }
        Ok(())
    }

    /// A mount point is there, and so is a directory some tar made. What the image holds is not known
    /// here, so a path outside of the volumes counts as there.
    fn has_directory(&self, spec: &ContainerSpec, root: &str) -> bool {
        let Some((volume, rest)) = mount_of(spec, root) else { return true };
        let files = self.volumes.get(volume).map(|volume| &volume.files);
        rest.is_empty()
            || files.is_some_and(|files| {
                files.get(rest).is_some_and(|file| file.directory)
                    || files.keys().any(|path| below(path, rest).is_some_and(|below| !below.is_empty()))
            })
    }

    /// A change of content is what a real engine's time of change tells.
    pub(super) fn stat(&mut self, id: &str, path: &str) -> Result<Option<FileState>, Refusal> {
        let container = self.find(id).ok_or_else(|| no_container(id))?;
        let path = clean(path);
        let file = match mount_of(&container.spec, &path) {
            Some((volume, rest)) => self.volumes.get(volume).and_then(|volume| volume.files.get(rest)),
            None => container.layer.get(&path),
        };
        Ok(file.map(|file| FileState {
            size: file.content.len() as u64,
            changed_at: crate::model::manifest::sha256_hex(&file.content),
        }))
    }

    /// As the engine does: entries start with the last part of `path`.
    pub(super) fn download(&mut self, id: &str, path: &str) -> Result<Vec<u8>, Refusal> {
        let container = self.find(id).ok_or_else(|| no_container(id))?;
        let path = clean(path);
        let (files, rest) = match mount_of(&container.spec, &path) {
            Some((volume, rest)) => (self.volumes.get(volume).map(|volume| &volume.files), rest),
            None => (Some(&container.layer), path.as_str()),
        };
        let base = path.rsplit('/').next().unwrap_or_default();
        let found: Vec<_> = files
            .into_iter()
            .flatten()
            .filter_map(|(name, file)| Some((clean(&format!("{base}/{}", below(name, rest)?)), file.clone())))
            .collect();
        if found.is_empty() {
            return Err((ErrorKind::NotFound, format!("Could not find the file /{path} in container {id}")));
        }
        write_tar(&found).map_err(|error| (ErrorKind::Other, error.to_string()))
    }
}

/// The volume whose mount point holds the clean `path`, and the path below it.
fn mount_of<'a>(spec: &'a ContainerSpec, path: &'a str) -> Option<(&'a str, &'a str)> {
    let inside = spec.mounts.iter().filter_map(|mount| {
        let target = clean(&mount.target);
        below(path, &target).map(|rest| (target.len(), mount.volume.as_str(), rest))
    });
    inside.max_by_key(|(length, _, _)| *length).map(|(_, volume, rest)| (volume, rest))
}
