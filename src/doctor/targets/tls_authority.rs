//! A certificate of an authority that the image does not know.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "tls-authority",
    topic: Topic::Targets,
    what: "the target's certificate comes from an authority that Prometheus knows",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if !super::says(target, &["unknown authority", "self-signed", "self signed", "not trusted"]) {
        return None;
    }
    let cause = "the certificate is self-signed, or of a company's own authority, which the Prometheus image does not know";
    let fix = format!(
        "use a certificate of a public authority, or name your own authority as `ca_file`, or set `insecure_skip_verify: true` for `{}` under `targets:` in config/confidexmon.yml",
        target.job
    );
    Some(Trouble::problem("", cause, fix))
}
