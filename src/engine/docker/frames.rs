//! The bytes of a container's log → whole lines.
//!
//! Without a terminal, the body is frames of `[stream, 0, 0, 0, length as u32 big-endian]` and a
//! payload; with one, it is plain lines. With `timestamps=1` each payload starts with a stamp. The
//! engine cuts lines at 16 KiB: the pieces are frames of their own, each with its own stamp, and
//! only the last ends in a newline (seen on 20.10). The pieces of the two streams may interleave.

use std::collections::VecDeque;

use crate::engine::LogLine;

use super::stream::Decode;

/// A line without an end must not eat all memory: it is cut here.
const LONGEST_LINE: usize = 1 << 20;
const HEADER: usize = 8;

#[derive(Debug, Default)]
pub(super) struct LogDecoder {
    buffer: Vec<u8>,
    /// `None` until the first byte tells.
    framed: Option<bool>,
    out: Partial,
    err: Partial,
}

/// A line whose end has not come yet.
#[derive(Debug, Default)]
struct Partial {
    timestamp: String,
    text: Vec<u8>,
    open: bool,
}

impl Decode for LogDecoder {
    type Item = LogLine;

    fn feed(&mut self, bytes: &[u8], lines: &mut VecDeque<LogLine>) {
        self.buffer.extend_from_slice(bytes);
        let Some(first) = self.buffer.first() else { return };
        // Stream numbers are 0 to 3; a stamp or a text starts with a printable byte.
        if *self.framed.get_or_insert(*first <= 3) {
            self.take_frames(lines);
        } else {
            self.take_plain(lines);
        }
    }

    fn finish(&mut self, lines: &mut VecDeque<LogLine>) {
        if self.framed == Some(false) && !self.buffer.is_empty() {
            let rest = std::mem::take(&mut self.buffer);
            self.out.push(&rest, false, lines);
        }
        self.out.flush(false, lines);
        self.err.flush(true, lines);
    }
}

impl LogDecoder {
    fn take_frames(&mut self, lines: &mut VecDeque<LogLine>) {
        let mut at = 0;
        while let Some((stream, payload)) = frame_at(&self.buffer, at) {
            match stream {
                // 3 is the engine's own complaint, for example about a log driver.
                2 | 3 => self.err.push(payload, true, lines),
                _ => self.out.push(payload, false, lines),
            }
            at += HEADER + payload.len();
        }
        self.buffer.drain(..at);
    }

    fn take_plain(&mut self, lines: &mut VecDeque<LogLine>) {
        let end = match self.buffer.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if self.buffer.len() >= LONGEST_LINE => self.buffer.len(),
            None => return,
        };
        let whole: Vec<u8> = self.buffer.drain(..end).collect();
        self.out.push(&whole, false, lines);
    }
}

/// The stream number and payload of the frame that starts at `at`, once it is complete.
fn frame_at(buffer: &[u8], at: usize) -> Option<(u8, &[u8])> {
    let header: &[u8; HEADER] = buffer.get(at..)?.first_chunk()?;
    let [stream, _, _, _, length @ ..] = *header;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    let payload = buffer.get(at + HEADER..(at + HEADER).checked_add(length)?)?;
    Some((stream, payload))
}

impl Partial {
    fn push(&mut self, payload: &[u8], stderr: bool, lines: &mut VecDeque<LogLine>) {
        for piece in payload.split_inclusive(|byte| *byte == b'\n') {
            let (stamp, text) = split_stamp(piece);
            if !self.open {
                // A line without a stamp of its own follows one of the same moment.
                if let Some(stamp) = stamp {
                    stamp.clone_into(&mut self.timestamp);
                }
                self.open = true;
            }
            self.text.extend_from_slice(text);
            if piece.ends_with(b"\n") || self.text.len() >= LONGEST_LINE {
                self.flush(stderr, lines);
            }
        }
    }

    fn flush(&mut self, stderr: bool, lines: &mut VecDeque<LogLine>) {
        if !self.open {
            return;
        }
        let text = String::from_utf8_lossy(&self.text);
        let text = text.trim_end_matches(['\n', '\r']).to_owned();
        lines.push_back(LogLine { timestamp: self.timestamp.clone(), stderr, text });
        self.text.clear();
        self.open = false;
    }
}

/// `2026-01-01T00:00:00.000000000Z rest` → the stamp and the rest.
fn split_stamp(piece: &[u8]) -> (Option<&str>, &[u8]) {
    let Some(space) = piece.iter().take(40).position(|byte| *byte == b' ' || *byte == b'\n') else {
        return (None, piece);
    };
    let (stamp, rest) = piece.split_at(space);
    match std::str::from_utf8(stamp) {
        Ok(stamp) if looks_like_stamp(stamp) => (Some(stamp), rest.strip_prefix(b" ").unwrap_or(rest)),
        _ => (None, piece),
    }
}

/// The shape of RFC 3339, which engines write with a `Z` or an offset.
fn looks_like_stamp(text: &str) -> bool {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    let matches =
        |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    let Some((head, tail)) = bytes.split_at_checked(SHAPE.len()) else { return false };
    head.iter().zip(SHAPE).all(matches)
        && !tail.is_empty()
        && tail.iter().all(|byte| byte.is_ascii_digit() || b".Z+-:".contains(byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    const STAMP: &str = "2026-11-22T10:00:00.123456789Z";

    fn frame(stream: u8, payload: &str) -> Vec<u8> {
        let mut bytes = vec![stream, 0, 0, 0];
        bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(payload.as_bytes());
        bytes
    }

    fn decode(chunks: &[&[u8]]) -> Vec<LogLine> {
        let (mut decoder, mut lines) = (LogDecoder::default(), VecDeque::new());
        for chunk in chunks {
            decoder.feed(chunk, &mut lines);
        }
        decoder.finish(&mut lines);
        lines.into()
    }

    fn line(stderr: bool, text: &str) -> LogLine {
        LogLine { timestamp: STAMP.to_owned(), stderr, text: text.to_owned() }
    }

    #[test]
    fn frames_become_lines_of_their_stream() {
        let bytes = [frame(1, &format!("{STAMP} one\n")), frame(2, &format!("{STAMP} two\r\n"))].concat();
        assert_eq!(decode(&[&bytes]), [line(false, "one"), line(true, "two")]);
    }

    #[test]
    fn a_line_cut_at_16_kib_is_put_together_even_when_the_streams_interleave() {
        let bytes = [
            frame(1, &format!("{STAMP} {}", "a".repeat(16384))),
            frame(2, &format!("{STAMP} err\n")),
            frame(1, &format!("{STAMP} {}", "b".repeat(16384))),
            frame(1, &format!("{STAMP} end\n")),
        ]
        .concat();
        let long = format!("{}{}end", "a".repeat(16384), "b".repeat(16384));
        assert_eq!(decode(&[&bytes]), [line(true, "err"), line(false, &long)]);
    }

    #[test]
    fn a_last_line_without_newline_is_kept() {
        assert_eq!(decode(&[&frame(1, &format!("{STAMP} tail"))]), [line(false, "tail")]);
    }

    #[test]
    fn an_empty_line_is_a_line() {
        assert_eq!(decode(&[&frame(1, &format!("{STAMP} \n"))]), [line(false, "")]);
    }

    #[test]
    fn a_terminals_log_is_plain_lines() {
        let bytes = format!("{STAMP} one\r\n{STAMP} two");
        assert_eq!(decode(&[bytes.as_bytes()]), [line(false, "one"), line(false, "two")]);
    }

    #[test]
    fn the_engines_own_complaint_is_a_line() {
        let lines = decode(&[&frame(3, "Error grabbing logs: EOF\n")]);
        assert_eq!((lines[0].stderr, lines[0].text.as_str()), (true, "Error grabbing logs: EOF"));
    }

    #[test]
    fn a_line_that_never_ends_is_cut() {
        let bytes: Vec<u8> = (0..80).flat_map(|_| frame(1, &"x".repeat(16384))).collect();
        let lines = decode(&[&bytes]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].text.len(), LONGEST_LINE);
    }

    #[test]
    fn an_empty_body_has_no_lines() {
        assert!(decode(&[b""]).is_empty());
    }

    proptest! {
        /// Wherever the transport cuts the bytes, the lines are the same.
        #[test]
        fn cuts_do_not_matter(
            texts in prop::collection::vec((1u8..=2, "[ -~é]{0,40}"), 0..12),
            cuts in prop::collection::vec(0usize..600, 0..20),
        ) {
            let bytes: Vec<u8> = texts.iter().flat_map(|(stream, text)| frame(*stream, &format!("{STAMP} {text}\n"))).collect();
            let expected: Vec<_> = texts.iter().map(|(stream, text)| line(*stream == 2, text)).collect();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&chunks), expected);
        }

        /// The same for a terminal's plain lines.
        #[test]
        fn cuts_of_plain_lines_do_not_matter(texts in prop::collection::vec("[ -~]{0,40}", 1..8), cut in 0usize..400) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| format!("{STAMP} {text}\r\n").into_bytes()).collect();
            let (left, right) = bytes.split_at(cut.min(bytes.len()));
            let expected: Vec<_> = texts.iter().map(|text| line(false, text)).collect();
            prop_assert_eq!(decode(&[left, right]), expected);
        }

        /// Bytes that mean nothing never break the reader.
        #[test]
        fn noise_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            decode(&[&bytes]);
        }
    }
}
