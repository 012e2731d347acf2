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
pub(crate) struct Tag(pub(crate) String);

impl Tag {
    pub(crate) fn new(lab: &Lab, of: &str, version: &str) -> Self {
        let tag = Self(format!("{}/image:{version}", lab.stack));
        variation(of, &tag.0, "first");
        tag
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        docker(&["rmi", "-f", &self.0]);
    }
}

#[test]
fn up_locks_its_images_and_sees_a_tag_that_was_built_anew() {
    let Some(mut lab) = Lab::open() else { return };
    let tag = Tag::new(&lab, &image("alertmanager"), "1.0.0");
    lab.set("CONFIDEXMON_IMAGE_ALERTMANAGER", &tag.0);
    lab.write("config/confidexmon.yml", "log_level: info\n");
    lab.run(&["up"]).expect(0);
    let lock = std::fs::read_to_string(lab.folder.path().join("images.lock")).unwrap();
    assert!(lock.contains(&tag.0), "{lock}");
    let before = lab.inspect("alertmanager");
    assert!(lock.contains(before["Image"].as_str().unwrap()), "{lock}");
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));

    let second = variation(&image("alertmanager"), &tag.0, "second");
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
