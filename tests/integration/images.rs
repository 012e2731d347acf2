//! Images are locked; a tag that means another one is seen.

use crate::lab::{Lab, docker, image};

/// Builds `tag` as a variation of a bed's image, told apart by a label; its id.
pub(crate) fn variation(of: &str, tag: &str, mark: &str) -> String {
    let made = docker(&["create", of]);
    let container = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    let change = format!("LABEL mark={mark}");
    let output = docker(&["commit", "--change", &change, &container, tag]);
    docker(&["rm", "-f", "-v", &container]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A tag of this test alone, removed at its end.
struct Tag {
    name: String,
    ids: Vec<String>,
}

impl Tag {
    fn new(lab: &Lab, of: &str, version: &str) -> Self {
        let name = format!("{}/image:{version}", lab.stack);
        let mut tag = Self { name, ids: Vec::new() };
        tag.build(of, "first");
        tag
    }

    /// Lets the tag mean another image.
    fn build(&mut self, of: &str, mark: &str) -> String {
        let id = variation(of, &self.name, mark);
        self.ids.push(id.clone());
        id
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        for id in &self.ids {
            docker(&["rmi", "-f", id]);
        }
    }
}

#[test]
fn up_locks_its_images_and_sees_a_tag_that_was_built_anew() {
    let Some(mut lab) = Lab::open() else { return };
    let mut tag = Tag::new(&lab, &image("alertmanager"), "1.0.0");
    lab.set("CONFIDEXMON_IMAGE_ALERTMANAGER", &tag.name);
    lab.write("config/confidexmon.yml", "log_level: info\n");
    lab.run(&["up"]).expect(0);
    let lock = std::fs::read_to_string(lab.folder.path().join("images.lock")).unwrap();
    assert!(lock.contains(&tag.name), "{lock}");
    let before = lab.inspect("alertmanager");
    assert!(lock.contains(before["Image"].as_str().unwrap()), "{lock}");
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));

    let second = tag.build(&image("alertmanager"), "second");
    let plan = lab.run(&["plan"]).expect(1);
    assert!(plan.stdout.contains("is locked to sha256:"), "{}", plan.stdout);
    let refused = lab.run(&["up"]).expect(1);
    assert!(refused.stderr.contains(&second[..19]), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("`confidexmon update alertmanager` takes the new one"),
        "{}",
        refused.stderr
    );
    assert_eq!(lab.inspect("alertmanager")["Id"], before["Id"]);

    // Without a lock the container follows the tag.
    std::fs::remove_file(lab.folder.path().join("images.lock")).unwrap();
    let plan = lab.run(&["plan"]).expect(0);
    assert!(plan.stdout.contains("means another image now"), "{}", plan.stdout);
    lab.run(&["up"]).expect(0);
    assert_eq!(lab.inspect("alertmanager")["Image"], second.as_str());
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));
}

#[test]
fn the_images_of_a_stack_are_carried_to_a_machine_without_a_registry() {
    let Some(mut lab) = Lab::open() else { return };
    let mut tag = Tag::new(&lab, &image("alertmanager"), "1.0.0");
    lab.set("CONFIDEXMON_IMAGE_ALERTMANAGER", &tag.name);
    lab.write("config/confidexmon.yml", "log_level: info\n");
    lab.run(&["up"]).expect(0);
    let before = lab.inspect("alertmanager")["Image"].clone();
    let saved = lab.run(&["images", "save", "images.tar", "--format", "json"]).expect(0).json();
    let archive = lab.folder.path().join("images.tar");
    assert_eq!(saved["bytes"], std::fs::metadata(&archive).unwrap().len());
    assert_eq!(saved["images"].as_array().unwrap().len(), 3);
    // A disk with too little room is refused before anything is written to it.
    let binary = env!("CARGO_BIN_EXE_confidexmon");
    let line = format!(
        "mkdir small; exec unshare --mount --map-root-user sh -euc 'mount -t tmpfs -o size=4m none small; cd small; code=0; {binary} images save images.tar --project-dir .. || code=$?; ls -A; exit $code'"
    );
    let full = lab.shell(&line).output().unwrap();
    let words = String::from_utf8_lossy(&full.stderr);
    assert!(full.status.code() == Some(1) && words.contains("MiB are needed"), "{words}");
    assert_eq!(String::from_utf8_lossy(&full.stdout), "", "something was written");

    lab.run(&["down"]).expect(0);
    docker(&["rmi", "-f", &tag.name]);
    lab.run(&["up", "--pull", "never"]).expect(1);

    let broken = lab.folder.path().join("broken.tar");
    std::fs::copy(&archive, &broken).unwrap();
    std::fs::OpenOptions::new().write(true).open(&broken).unwrap().set_len(1_000_000).unwrap();
    let refused = lab.run(&["images", "load", "broken.tar"]).expect(1);
    assert!(refused.stderr.contains("cannot load the images"), "{}", refused.stderr);
    lab.run(&["images", "load", "images.tar"]).expect(0);
    lab.run(&["up", "--pull", "never"]).expect(0);
    assert_eq!(lab.inspect("alertmanager")["Image"], before);

    // What is not the locked image is not saved as if it were.
    tag.build(&image("alertmanager"), "second");
    let refused = lab.run(&["images", "save", "other.tar"]).expect(1);
    assert!(refused.stderr.contains("is not the one in images.lock"), "{}", refused.stderr);
    assert!(!lab.folder.path().join("other.tar").exists());
}
