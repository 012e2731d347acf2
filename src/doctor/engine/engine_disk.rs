//! Space and inodes where images and volumes lie.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble, Verdict};
use crate::doctor::facts::{Disk, Facts};
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "engine-disk",
    topic: Topic::Engine,
    what: "space and inodes on the disk that holds images and volumes",
    run: Run::Once(run),
};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

fn run(facts: &Facts) -> Outcome {
    facts.machine.then(|machine| match &machine.disk {
        Some(disk) => assess(disk),
        None => Outcome::Unknown("the engine's folder could not be looked at".to_owned()),
    })
}

fn assess(disk: &Disk) -> Outcome {
    let well =
        format!("{} free of {} below {}", units::bytes(disk.free), units::bytes(disk.total), disk.path);
    let share = if disk.total > 0.0 { disk.free / disk.total } else { 1.0 };
    let inodes = if disk.inodes > 0.0 { disk.inodes_free / disk.inodes } else { 1.0 };
    let fix = "docker system df; docker system prune";
    if inodes < 0.02 {
        let evidence =
            format!("{:.0} of {:.0} inodes are free below {}", disk.inodes_free, disk.inodes, disk.path);
        return Trouble::problem(evidence, "the disk has room but cannot hold more files", fix).into();
    }
    let full = |verdict| Trouble {
        verdict,
        ..Trouble::problem(
            well.clone(),
            "the disk is nearly full: Prometheus and Grafana stop writing when it is",
            fix,
        )
    };
    match share {
        _ if disk.free < GIB / 2.0 || share < 0.02 => full(Verdict::Problem).into(),
        _ if disk.free < 2.0 * GIB || share < 0.08 => full(Verdict::Warning).into(),
        _ => Outcome::Well(well),
    }
}
