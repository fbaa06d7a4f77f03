//! Cutting a byte stream into server-sent events, at whatever borders the bytes arrive.
//!
//! Lines end with LF, CR LF or CR, an empty line ends an event, several `data` lines make one text, comments and other
//! fields are skipped (WHATWG HTML, "Server-sent events", parsing an event stream).

/// The largest event that is kept; the text of a longer one is lost, and the loss is told.
const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// The data of events, out of chunks.
#[derive(Debug, Default)]
pub struct SseReader {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    past_first_line: bool,
    lost: u64,
}

impl SseReader {
    /// Takes bytes and calls `event` with the data of every event that they complete.
    pub fn feed(&mut self, chunk: &[u8], mut event: impl FnMut(&[u8])) {
        let mut rest = chunk;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, tail) = rest.split_at(end);
            self.keep(line);
            self.end_line(&mut event);
            rest = match tail {
                [b'\r', b'\n', tail @ ..] | [_, tail @ ..] => tail,
                [] => tail,
            };
            self.after_cr = tail == b"\r";
        }
        self.keep(rest);
    }

    /// The end of the stream: an event without its empty line still counts, since some servers leave it out.
    pub fn finish(&mut self, mut event: impl FnMut(&[u8])) {
        self.end_line(&mut event);
        self.end_event(&mut event);
    }

    /// Bytes that were too many for one event.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    fn keep(&mut self, part: &[u8]) {
        if self.line.len() + self.data.len() + part.len() > MAX_EVENT_BYTES {
            self.lost = self
                .lost
                .saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
            return;
        }
        self.line.extend_from_slice(part);
    }

    fn end_line(&mut self, event: &mut impl FnMut(&[u8])) {
        let mut line = std::mem::take(&mut self.line);
        if !self.past_first_line {
            self.past_first_line = true;
            if line.starts_with(b"\xEF\xBB\xBF") {
                line.drain(..3);
            }
        }
        if line.is_empty() {
            self.end_event(event);
        } else if let Some(value) = data_of(&line) {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data.extend_from_slice(value);
        }
        line.clear();
        self.line = line;
    }

    fn end_event(&mut self, event: &mut impl FnMut(&[u8])) {
        if self.has_data {
            event(&self.data);
        }
        self.has_data = false;
        self.data.clear();
    }
}

/// The value of a `data` line.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"data")?;
    match value {
        [] => Some(value),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}
