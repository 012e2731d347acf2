//! What happens to the stack's containers, as it happens.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::stream::BoxStream;
use serde::Deserialize;

use crate::engine::{ContainerEvent, EngineError, EventAction};
use crate::model::{StackName, labels};

use super::query::{filters, with_query};
use super::stream::{Decode, decoded};
use super::wire::Wire;

/// Subscribes at once, and asks for everything since this call where the engine's clock is ours: what
/// happens before the subscription is there is not lost. Ends when the engine goes: subscribe again,
/// then list.
pub(super) fn follow(
    wire: Wire,
    stack: &StackName,
) -> BoxStream<'static, Result<ContainerEvent, EngineError>> {
    let same_clock = wire.info.is_local();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok().filter(|_| same_clock);
    let path = path(stack, since);
    decoded(wire, "follow the engine's events".to_owned(), path, None, EventDecoder::default())
}

fn path(stack: &StackName, since: Option<Duration>) -> String {
    let label = format!("{}={stack}", labels::STACK);
    let filters = filters(&[("type", "container"), ("label", &label)]);
    let since = since.map(|time| format!("{}.{:09}", time.as_secs(), time.subsec_nanos()));
    let mut pairs = vec![("filters", filters.as_str())];
    if let Some(since) = &since {
        pairs.push(("since", since));
    }
    with_query("/events", &pairs)
}

/// One JSON object a line.
#[derive(Debug, Default)]
struct EventDecoder {
    buffer: Vec<u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "Action")]
    action: Option<String>,
    #[serde(rename = "Actor")]
    actor: Option<Actor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Actor {
    #[serde(rename = "ID")]
    id: Option<String>,
    attributes: Option<std::collections::BTreeMap<String, String>>,
}

impl Decode for EventDecoder {
    type Item = ContainerEvent;

    fn feed(&mut self, bytes: &[u8], events: &mut VecDeque<ContainerEvent>) {
        self.buffer.extend_from_slice(bytes);
        let Some(end) = self.buffer.iter().rposition(|byte| *byte == b'\n') else { return };
        let whole: Vec<u8> = self.buffer.drain(..=end).collect();
        events.extend(whole.split(|byte| *byte == b'\n').filter_map(parse));
    }

    fn finish(&mut self, events: &mut VecDeque<ContainerEvent>) {
        events.extend(parse(&std::mem::take(&mut self.buffer)));
    }
}

/// `None` for a line that is no event: an engine newer than this program must not end the stream.
fn parse(line: &[u8]) -> Option<ContainerEvent> {
    let event: Event = serde_json::from_slice(line).ok()?;
    let actor = event.actor.unwrap_or_default();
    let mut attributes = actor.attributes.unwrap_or_default();
    Some(ContainerEvent {
        container_id: actor.id.unwrap_or_default(),
        container_name: attributes.remove("name").unwrap_or_default(),
        action: EventAction::of(&event.action?),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const DIE: &str = r#"{"status":"die","Type":"container","Action":"die","Actor":{"ID":"ab","Attributes":{"name":"x","exitCode":"1"}},"time":1}"#;

    fn decode(chunks: &[&str]) -> Vec<String> {
        let (mut decoder, mut events) = (EventDecoder::default(), VecDeque::new());
        for chunk in chunks {
            decoder.feed(chunk.as_bytes(), &mut events);
        }
        decoder.finish(&mut events);
        events
            .into_iter()
            .map(|event| format!("{} {} {}", event.container_id, event.container_name, event.action))
            .collect()
    }

    #[test]
    fn an_event_may_come_in_pieces() {
        let text = format!("{DIE}\n{DIE}\n");
        for cut in 0..text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(decode(&[left, right]), ["ab x die", "ab x die"], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_event_is_passed_over() {
        assert_eq!(decode(&["{\"Type\":\"warp\"}\n\n[]\nnoise\n", DIE]), ["ab x die"]);
    }
}
