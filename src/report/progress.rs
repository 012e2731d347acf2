//! Renderers of progress: live lines on a terminal, one line per fact elsewhere, JSON events.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::model::ServiceKind;
use crate::report::events::{Event, Reporter, ServiceState};
use crate::report::output::{BAD, DIM, GOOD, WARN};
use crate::report::{Format, Output, words};

/// The renderer that suits the output.
pub fn reporter(output: Output) -> Box<dyn Reporter> {
    match output {
        Output { format: Format::Json, .. } => Box::new(JsonLines(output)),
        Output { quiet: true, .. } => Box::new(crate::report::events::Silent),
        Output { terminal: true, .. } => Box::new(Live::new(output)),
        _ => Box::new(Plain { output, last: Mutex::new(BTreeMap::new()) }),
    }
}

struct JsonLines(Output);

impl Reporter for JsonLines {
    fn event(&self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            self.0.say(&line);
        }
    }
}

/// One line per fact; a fact that repeats itself is said once.
struct Plain {
    output: Output,
    last: Mutex<BTreeMap<ServiceKind, String>>,
}

impl Reporter for Plain {
    fn event(&self, event: &Event) {
        match event {
            // A log file gains nothing from counts.
            Event::Pull { .. } | Event::Transfer { .. } | Event::Progress { .. } => {}
            Event::Service { service, state, detail } => {
                let line = service_line(self.output, *service, *state, detail);
                let Ok(mut last) = self.last.lock() else { return };
                if last.insert(*service, line.clone()).as_ref() != Some(&line)
                    && *state != ServiceState::Waiting
                {
                    self.output.say(&line);
                }
            }
            Event::Fact { text } => self.output.say(text),
            Event::Warning { text } => self.output.warning(text),
        }
    }
}

/// One line a service that changes in place.
struct Live {
    output: Output,
    bars: MultiProgress,
    lines: Mutex<BTreeMap<ServiceKind, (ProgressBar, Instant)>>,
    /// The line of work that is counted.
    counted: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Live {
    fn new(output: Output) -> Self {
        Self { output, bars: MultiProgress::new(), lines: Mutex::default(), counted: Mutex::default() }
    }

    fn with_line(&self, service: ServiceKind, change: impl FnOnce(&ProgressBar, Duration)) {
        let Ok(mut lines) = self.lines.lock() else { return };
        let (bar, since) =
            lines.entry(service).or_insert_with(|| (self.spinner("{spinner} {wide_msg}"), Instant::now()));
        change(bar, since.elapsed());
    }

    /// A line that moves although nothing is heard.
    fn spinner(&self, template: &str) -> ProgressBar {
        let bar = self.bars.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    fn count(&self, what: &str, (done, total): (usize, usize), item: &str) {
        let Ok(mut counted) = self.counted.lock() else { return };
        let bar =
            counted.entry(what.to_owned()).or_insert_with(|| self.spinner("{spinner} {msg}  {elapsed}"));
        bar.set_message(format!("{what}: {done} of {total}  {}", self.output.styled(item, DIM)));
        if done >= total {
            bar.finish_and_clear();
            counted.remove(what);
        }
    }
}

impl Reporter for Live {
    fn event(&self, event: &Event) {
        match event {
            Event::Service { service, state, detail } => {
                let line = service_line(self.output, *service, *state, detail);
                self.with_line(*service, |bar, since| match state {
                    ServiceState::Working | ServiceState::Waiting => bar.set_message(line),
                    _ => {
                        let took = self.output.styled(&words::elapsed(since), DIM);
                        bar.set_style(
                            ProgressStyle::with_template("{msg}")
                                .unwrap_or_else(|_| ProgressStyle::default_bar()),
                        );
                        bar.finish_with_message(format!("{line}  {took}"));
                    }
                });
            }
            Event::Pull { service, image, current, total } => {
                let share = (current * 100)
                    .checked_div(*total)
                    .map_or_else(String::new, |percent| format!(" {percent} %"));
                let detail = format!("pulling {image}{share}");
                let line = service_line(self.output, *service, ServiceState::Working, &detail);
                self.with_line(*service, |bar, _| bar.set_message(line));
            }
            Event::Transfer { service, doing, done, total, elapsed_ms } => {
                let far = words::transfer(*done, *total, Duration::from_millis(*elapsed_ms));
                let line =
                    service_line(self.output, *service, ServiceState::Working, &format!("{doing}: {far}"));
                self.with_line(*service, |bar, _| bar.set_message(line));
            }
            Event::Progress { what, done, total, item } => self.count(what, (*done, *total), item),
            Event::Fact { text } => {
                let _ = self.bars.println(text);
            }
            Event::Warning { text } => {
                let _ = self.bars.println(format!("{}: {text}", self.output.styled("warning", WARN)));
            }
        }
    }
}

fn service_line(output: Output, service: ServiceKind, state: ServiceState, detail: &str) -> String {
    let name = format!("{:<14}", service.name());
    match state {
        ServiceState::Ready | ServiceState::Done => format!("{} {name} {detail}", output.styled("✓", GOOD)),
        ServiceState::Failed => format!("{} {name} {detail}", output.styled("✗", BAD)),
        ServiceState::Working | ServiceState::Waiting => format!("  {name} {detail}"),
    }
}
