//! Prometheus's remote-write request, version 1: protobuf in a snappy block.
//!
//! The messages are small and fixed, so they are written by hand. The snappy block holds literals
//! only, which every reader must accept: nothing here is large enough to gain from compression.

use crate::drill::series::Labels;

/// What Prometheus expects a remote write to say it is.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// Headers that go with the body, besides its type.
pub const HEADERS: [(&str, &str); 2] =
    [("Content-Encoding", "snappy"), ("X-Prometheus-Remote-Write-Version", "0.1.0")];

/// One series: its labels, and (milliseconds since the epoch, value) in rising order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSeries {
    pub labels: Labels,
    pub samples: Vec<(i64, f64)>,
}

/// The body of one request.
pub fn body(series: &[TimeSeries]) -> Vec<u8> {
    let mut request = Vec::new();
    for one in series {
        field(&mut request, 1, &time_series(one));
    }
    snappy(&request)
}

fn time_series(series: &TimeSeries) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The map is in the order of names, as the protocol asks.
    for (name, value) in &series.labels {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut bytes, 1, &label);
    }
    for (time, value) in &series.samples {
        let mut sample = vec![1 << 3 | 1];
        sample.extend(value.to_le_bytes());
        sample.push(2 << 3);
        // A negative time is its two's complement in ten bytes.
        varint(&mut sample, time.cast_unsigned());
        field(&mut bytes, 2, &sample);
    }
    bytes
}

/// A length-delimited field.
fn field(to: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    to.push(number << 3 | 2);
    varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        to.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap_or(0));
}

/// The longest literal whose length fits the two bytes after its tag.
const LITERAL: usize = 1 << 16;
/// The tag of a literal whose length less one stands in the next two bytes.
const TAG: u8 = 61 << 2;

fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(bytes.len() + 16);
    varint(&mut block, bytes.len() as u64);
    for chunk in bytes.chunks(LITERAL) {
        block.push(TAG);
        block.extend(u16::try_from(chunk.len() - 1).unwrap_or(u16::MAX).to_le_bytes());
        block.extend_from_slice(chunk);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_bytes_of_the_protocol() {
        let labels = [("__name__".to_owned(), "up".to_owned())].into();
        let request = body(&[TimeSeries { labels, samples: vec![(300, 1.0)] }]);
        let label = [b"\x0a\x08__name__\x12\x02up".as_slice()].concat();
        let sample = [b"\x09".as_slice(), &1.0_f64.to_le_bytes(), b"\x10\xac\x02"].concat();
        let series = [b"\x0a\x0e".as_slice(), &label, b"\x12\x0c", &sample].concat();
        let message = [&[0x0a, 30], series.as_slice()].concat();
        assert_eq!(request, [&[32, TAG, 31, 0], message.as_slice()].concat());
    }

    #[test]
    fn long_bodies_are_cut_into_literals() {
        let block = snappy(&vec![7; LITERAL + 1]);
        assert_eq!(block[..6], [0x81, 0x80, 0x04, TAG, 0xff, 0xff]);
        assert_eq!(block[6 + LITERAL..], [TAG, 0, 0, 7]);
        assert_eq!(snappy(&[]), [0]);
    }
}
