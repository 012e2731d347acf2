#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::formats::yaml::source::Position;

const FILE: &str = "\
global: {resolve_timeout: 5m, slack_api_url_file: /x}
templates: ['/etc/alertmanager/*.tmpl']
route:
  receiver: default
  group_by: [alertname]
  group_wait: 10s
  routes:
    - matchers: ['severity=\"critical\"', team=~a|b]
      receiver: pager
      repeat_interval: 1h
      continue: true
      mute_time_intervals: [nights]
      routes:
        - match: {job: api}
          match_re: {instance: 'x.*'}
          group_by: ['...']
    - group_by: []
inhibit_rules:
  - source_matchers: ['alertname=\"A\"']
    target_match: {severity: warning}
    equal: [job]
receivers:
  - name: default
  - name: pager
    pagerduty_configs: [{routing_key_file: /x}]
    slack_configs:
      - channel: '#a'
      - channel: '#b'
";

#[test]
fn routes_inherit() {
    let file = AlertmanagerFile::read("am.yml", FILE);
    assert!(file.problems.is_empty(), "{:?}", file.problems);
    let routes = file.routes();
    let [root, pager, deep, last] = routes[..] else { unreachable!("four routes") };
    assert_eq!((root.sends_to.as_str(), root.timing.group_interval.as_str()), ("default", "5m"));
    assert_eq!(pager.condition(), "severity=\"critical\", team=~\"a|b\"");
    assert_eq!((pager.timing.group_wait.as_str(), pager.timing.repeat_interval.as_str()), ("10s", "1h"));
    assert!(pager.proceeds && pager.muted_during[0].value == "nights");
    assert_eq!(
        (deep.sends_to.as_str(), deep.condition().as_str()),
        ("pager", "job=\"api\", instance=~\"x.*\"")
    );
    assert!(deep.group_by.all && deep.muted_during.is_empty() && !deep.proceeds);
    assert_eq!(last.group_by, GroupBy::default());
    assert_eq!(file.source.place(pager.at), Position { line: 8, column: 7 });
    assert_eq!(file.source.place(pager.matchers[1].at), Position { line: 8, column: 41 });
}

#[test]
fn receivers_and_inhibition_are_read() {
    let file = AlertmanagerFile::read("am.yml", FILE);
    assert!(file.receiver("default").unwrap().integrations.is_empty());
    assert_eq!(file.receiver("pager").unwrap().integrations, ["pagerduty", "slack", "slack"]);
    let rule = &file.inhibit_rules[0];
    assert_eq!(rule.source[0].matcher.to_string(), "alertname=\"A\"");
    assert_eq!(rule.target[0].matcher.to_string(), "severity=\"warning\"");
    assert_eq!(rule.equal[0].value, "job");
    assert_eq!(file.templates[0].value, "/etc/alertmanager/*.tmpl");
}

#[test]
fn what_alertmanager_refuses_is_told() {
    let reasons = |text: &str| {
        AlertmanagerFile::read("f", text).problems.into_iter().map(|(_, reason)| reason).collect::<Vec<_>>()
    };
    assert_eq!(reasons("receivers: []\n"), ["there is no `route`"]);
    assert_eq!(reasons("route: {receiver: a, routes: [{matchers: [oops]}]}\n").len(), 1);
    assert_eq!(reasons("route: {routes: [\n").len(), 1);
    assert_eq!(
        reasons("route: {receiver: a, routes: [{matchers: 'a=b'}]}\n"),
        ["`matchers` must be a list of texts"]
    );
    assert_eq!(reasons("route: {continue: true, matchers: [a=b]}\n").len(), 3);
}

/// A route that Alertmanager refuses is not one that takes everything.
#[test]
fn an_unreadable_matcher_claims_nothing() {
    use crate::analysis::routing::{Labels, Tristate, walk};
    let text = "route: {receiver: a, routes: [{receiver: b, matchers: [oops]}, {receiver: c, matchers: 'x=y'}, {receiver: d}]}\n";
    let file = AlertmanagerFile::read("f", text);
    let hits = walk(file.root.as_ref().unwrap(), &Labels::exact([("x", "y")]));
    let said: Vec<_> = hits.iter().map(|hit| (hit.route.sends_to.as_str(), hit.certainty)).collect();
    assert_eq!(said, [("b", Tristate::Maybe), ("c", Tristate::Maybe), ("d", Tristate::Maybe)]);
}
