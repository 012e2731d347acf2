//! Killed, interrupted or cut off at any call of `up`: the next `up` converges.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::lab::{Lab, eventually, get};
use crate::proxy::{Harm, Proxy};

fn is_whole(lab: &Lab) {
    assert_eq!(get(&lab.url("prometheus", "/-/ready")).0, 200);
    assert_eq!(get(&lab.url("alertmanager", "/-/ready")).0, 200);
    assert_eq!(get(&lab.url("grafana", "/api/health")).0, 200);
    assert!(lab.loaded_rules().iter().any(|rule| rule == "CrankServiceDown"));
    assert_eq!((lab.containers().len(), lab.networks().len()), (3, 1));
}

#[test]
fn killed_at_any_engine_call_the_next_up_converges() {
    let Some(lab) = Lab::open() else { return };
    // Version, list, network, and three calls for each of three services.
    for at in 1..=12 {
        let child_id = Arc::new(AtomicU32::new(0));
        let victim = child_id.clone();
        let proxy = Proxy::with_fault(Box::new(move |number, _| {
            if number < at {
                return Harm::None;
            }
            if number == at {
                let id = victim.load(Ordering::SeqCst).to_string();
                std::process::Command::new("kill").args(["-9", &id]).status().unwrap();
            }
            // The engine carries out what it was asked; nobody hears of it.
            Harm::LoseAnswer
        }));
        let host = proxy.host();
        let mut command = lab.command(&["--host", &host, "up"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        child_id.store(child.id(), Ordering::SeqCst);
        let status = child.wait().unwrap();
        assert!(!status.success(), "call {at} was never made");
        drop(proxy);
        lab.run(&["up"]).expect(0);
        is_whole(&lab);
        let plan = lab.run(&["plan"]).expect(0);
        assert!(plan.stdout.contains("nothing to do"), "after a kill at call {at}:\n{}", plan.stdout);
        lab.run(&["down", "--volumes"]).expect(0);
    }
}

#[test]
fn ctrl_c_stops_cleanly_and_the_next_up_goes_on() {
    let Some(lab) = Lab::open() else { return };
    let proxy = Proxy::start();
    let host = proxy.host();
    let mut command = lab.command(&["--host", &host, "up"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the first container is being created", Duration::from_secs(20), || {
        proxy.take_calls().iter().any(|call| call.contains("/containers/create"))
    });
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("`confidexmon up` goes on from here"), "{text}");
    lab.run(&["up"]).expect(0);
    is_whole(&lab);
}

#[test]
fn an_engine_that_fails_in_the_middle_is_reported_and_up_converges() {
    let Some(lab) = Lab::open() else { return };
    for at in [4, 7, 10] {
        let proxy = Proxy::with_fault(Box::new(move |number, _| {
            if number >= at { Harm::Answer(500, "the engine is shutting down") } else { Harm::None }
        }));
        let run = lab.run(&["--host", &proxy.host(), "up"]);
        assert!(run.code == 1 || run.code == 3, "{}: {}", run.code, run.stderr);
        assert!(run.stderr.contains("the engine is shutting down"), "{}", run.stderr);
        lab.run(&["up"]).expect(0);
        is_whole(&lab);
        lab.run(&["down", "--volumes"]).expect(0);
    }
}
