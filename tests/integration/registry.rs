//! The registry client against a real registry, and against one that misbehaves.

use std::time::{Duration, Instant};

use confidexmon::model::{ImageRef, Platform};
use confidexmon::net::registry::{RegistryError, Repository};

use crate::lab::{free_port, runtime};
use crate::registry_bed::{Front, Registry, Trouble};

fn repository(port: u16, name: &str) -> Repository {
    Repository::of(&ImageRef::new(&format!("127.0.0.1:{port}/{name}:1")).unwrap()).unwrap()
}

#[test]
fn tags_and_what_they_mean_are_read_page_by_page() {
    let Some(registry) = Registry::start() else { return };
    let first = registry.push_tiny("team/app", "1.0.0", "a");
    registry.push_tiny("team/app", "1.0.1", "b");
    let index = registry.push_index("team/app", "2.0.0", &[("linux", "amd64"), ("linux", "arm64")]);
    let front = Front::before(&registry, Box::new(|_| Trouble::None));
    let app = repository(front.port, "team/app");
    let both = runtime().block_on(async {
        let mut tags = app.tags().await.unwrap();
        tags.sort();
        assert_eq!(tags, ["1.0.0", "1.0.1", "2.0.0"]);
        assert_eq!(app.image("1.0.0").await.unwrap().digest, first);
        assert!(matches!(app.image("9.9.9").await, Err(RegistryError::NotFound { .. })));
        app.image("2.0.0").await.unwrap()
    });
    assert_eq!(
        (both.digest.as_str(), both.platforms().as_str()),
        (index.as_str(), "linux/amd64, linux/arm64")
    );
    assert_eq!(both.for_platform(&Platform::parse("linux/s390x").unwrap()), None);
    let arm = both.for_platform(&Platform::parse("linux/aarch64").unwrap()).unwrap();
    assert!(runtime().block_on(app.image(arm)).unwrap().manifests.is_empty());

    let moved = registry.push_tiny("team/app", "1.0.0", "moved");
    assert_ne!(moved, first);
    assert_eq!(runtime().block_on(app.image("1.0.0")).unwrap().digest, moved);
}

#[test]
fn a_registry_in_trouble_is_an_error_and_never_an_answer() {
    let Some(registry) = Registry::start() else { return };
    registry.push_tiny("team/app", "1.0.0", "a");
    let ask = |trouble: fn() -> Trouble| {
        let front = Front::before(&registry, Box::new(move |_| trouble()));
        let began = Instant::now();
        let error = runtime().block_on(repository(front.port, "team/app").image("1.0.0")).unwrap_err();
        (error, began.elapsed())
    };
    assert!(matches!(ask(|| Trouble::Refuse(403)).0, RegistryError::Refused { .. }));
    assert!(matches!(ask(|| Trouble::Refuse(401)).0, RegistryError::Refused { .. }));
    assert!(matches!(ask(|| Trouble::Refuse(503)).0, RegistryError::Status { status: 503, .. }));
    assert!(matches!(ask(|| Trouble::Cut).0, RegistryError::NoAnswer { .. }));
    let (limited, waited) = ask(|| Trouble::Limit(Some(3600)));
    assert!(matches!(limited, RegistryError::Limited { retry: Some(3600), .. }), "{limited}");
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let (stalled, waited) = ask(|| Trouble::Stall);
    assert!(matches!(stalled, RegistryError::NoAnswer { .. }), "{stalled}");
    assert!(waited < Duration::from_secs(15), "{waited:?}");

    let nobody = repository(free_port(), "team/app");
    assert!(matches!(runtime().block_on(nobody.tags()), Err(RegistryError::NoAnswer { .. })));
}

#[test]
fn a_short_limit_is_waited_for_once() {
    let Some(registry) = Registry::start() else { return };
    let digest = registry.push_tiny("team/app", "1.0.0", "a");
    let mut asked = 0;
    let limit_once = move |_: &str| {
        asked += 1;
        if asked == 1 { Trouble::Limit(Some(1)) } else { Trouble::None }
    };
    let front = Front::before(&registry, Box::new(limit_once));
    let image = runtime().block_on(repository(front.port, "team/app").image("1.0.0")).unwrap();
    assert_eq!(image.digest, digest);
}
