//! The order in which services learn that the password before Prometheus and Alertmanager comes or goes: who asks
//! there is told first when it comes, and last when it goes, so that no scrape is refused in between.

use crate::model::{FileChanges, ServiceKind};
use crate::plan::{Plan, Step};
use crate::services::{Desired, profile};

/// Where the service stands in the row, when the files of one of them say who may come in; `None`: there is no
/// row, all go at the same time.
pub fn order(plan: &Plan, desired: &Desired) -> Option<fn(ServiceKind) -> u8> {
    let steps = plan.services.iter().flat_map(|service| &service.steps);
    let touched = steps.into_iter().any(|step| match step {
        Step::ChangeFiles { changes, .. } => touches_a_door(changes),
        _ => false,
    });
    touched.then(|| place(desired))
}

/// True when the changes say who may come in.
pub fn touches_a_door(changes: &FileChanges) -> bool {
    changes.touched().any(|path| path.ends_with("/web.yml"))
}

/// The row for what the settings want.
pub fn place(desired: &Desired) -> fn(ServiceKind) -> u8 {
    let is_guarded = |service: ServiceKind| {
        desired.services.get(&service).is_some_and(|wanted| wanted.probe.basic_auth().is_some())
    };
    if is_guarded(ServiceKind::Prometheus) || is_guarded(ServiceKind::Alertmanager) {
        shutting
    } else {
        opening
    }
}

const fn shutting(service: ServiceKind) -> u8 {
    profile(service).learns_passwords
}

const fn opening(service: ServiceKind) -> u8 {
    u8::MAX - shutting(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_first_when_the_door_shuts_and_last_when_it_opens() {
        use ServiceKind::{Alertmanager, Grafana, Prometheus};
        let row = |place: fn(ServiceKind) -> u8| {
            let mut services = ServiceKind::ALL.to_vec();
            services.sort_by_key(|service| place(*service));
            services.retain(|service| shutting(*service) > 0);
            services
        };
        assert_eq!(row(shutting), [Grafana, Prometheus, Alertmanager]);
        assert_eq!(row(opening), [Alertmanager, Prometheus, Grafana]);
        let changes = |path: &str| FileChanges { changed: vec![path.to_owned()], ..FileChanges::default() };
        assert!(touches_a_door(&changes("/etc/alertmanager/web.yml")));
        assert!(!touches_a_door(&changes("/etc/alertmanager/alertmanager.yml")));
    }
}
