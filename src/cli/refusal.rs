//! What promtool or amtool refuse, said at the user's own files and lines as `check` says it, and before `up`
//! finds out.

use futures_util::future::join_all;

use crate::apply::examine::{self, CheckRequest};
use crate::apply::oneshot::{self, Outcome};
use crate::apply::validation::{self, ValidationInput, ValidationReport};
use crate::apply::{StackSession, validators};
use crate::check::Finding;
use crate::check::selection::Scope;
use crate::cli::context::{Context, Loaded, not_shown};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::plan::{Plan, ServicePlan, Step};
use crate::render::{RenderedStack, dashboards};
use crate::services::Desired;

/// What the tools find in the files of a plan.
#[derive(Debug, Default)]
pub struct Foreseen {
    pub findings: Vec<Finding>,
    refusing: Vec<ServiceKind>,
}

impl Foreseen {
    /// An error when something would be refused.
    pub fn result(&self) -> Result<(), Error> {
        if self.refusing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.refusing.iter().map(|service| service.name()).collect();
        let message =
            format!("the new files of {} are not valid; `up` would refuse them", names.join(" and "));
        Err(Error::new(ExitCode::Findings, message).hint("`confidexmon check` shows every finding"))
    }
}

impl Context {
    /// Says what a tool has refused at its place, once; words without a place stay as they are.
    pub fn place_refusals(&self, loaded: &Loaded, desired: &Desired, mut error: Error) -> Error {
        let others = std::mem::take(&mut error.others);
        error.others = others.into_iter().map(|other| self.place_refusals(loaded, desired, other)).collect();
        if let Some((service, output)) = error.refusal.take().map(|refusal| *refusal) {
            let findings = findings(loaded, desired, service, output.into());
            if !findings.is_empty() {
                self.report(&findings, &loaded.project);
                error.evidence.clear();
            }
        }
        error
    }

    /// Asks the tools about the files that a plan writes. What cannot be asked now is refused later.
    pub async fn foresee<E: Engine>(
        &self,
        session: &StackSession<E>,
        loaded: &Loaded,
        desired: &Desired,
        plan: &Plan,
    ) -> Foreseen {
        let asked = plan.services.iter().filter(|service| writes(service)).map(|service| async move {
            let (wanted, command) =
                (desired.services.get(&service.service)?, validators::whole_tree(service.service)?);
            let files = validators::without_secrets(&wanted.files);
            let job =
                validators::job_in(&wanted.spec.image, (&desired.stack, service.service), command, files);
            let outcome = oneshot::run(&session.engine, &session.cancel, &job).await.ok()?;
            Some((service.service, outcome))
        });
        let mut foreseen = Foreseen::default();
        for (service, outcome) in join_all(asked).await.into_iter().flatten() {
            let findings = findings(loaded, desired, service, outcome);
            if !findings.is_empty() {
                foreseen.refusing.push(service);
                foreseen.findings.extend(findings);
            }
        }
        self.report(&foreseen.findings, &loaded.project);
        // What a running Grafana refuses is said already; a new one starts without it.
        if plan.services.iter().any(changes_grafana) {
            let refused = dashboards::refusals(&loaded.project.files);
            if !refused.is_empty() {
                foreseen.refusing.push(ServiceKind::Grafana);
            }
            foreseen.findings.extend(refused.into_iter().map(not_shown));
        }
        foreseen
    }
}

fn changes_grafana(service: &ServicePlan) -> bool {
    service.service == ServiceKind::Grafana
        && service.steps.iter().any(|step| matches!(step, Step::ChangeFiles { .. }))
}

fn writes(service: &ServicePlan) -> bool {
    service.steps.iter().any(|step| matches!(step, Step::Write { .. } | Step::ChangeFiles { .. }))
}

fn findings(loaded: &Loaded, desired: &Desired, service: ServiceKind, outcome: Outcome) -> Vec<Finding> {
    // 126 and 127: the image does not have the tool.
    if matches!(outcome.exit_code, 0 | 126 | 127) {
        return Vec::new();
    }
    let rendered: RenderedStack =
        desired.services.iter().map(|(service, wanted)| (*service, wanted.files.clone())).collect();
    let (settings, files, scope) = (&loaded.settings, &loaded.project.files, &Scope::Project);
    let request = CheckRequest { settings, files, rendered: &rendered, scope, live: false };
    let facts = examine::facts(&request);
    let report = ValidationReport::of_tree(service, outcome);
    let mut found = validation::findings(
        &report,
        &ValidationInput { settings, files, rendered: &rendered, scope, facts: &facts },
    );
    crate::check::validators::sort(&mut found);
    found
}
