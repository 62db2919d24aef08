//! What is said of an event, apart from any host. test.rs tries it.
use crate::hawse::*;
use core::fmt::{Result, Write};

/// A line of text that takes no memory from elsewhere; what does not fit is cut.
pub struct Line {
    text: [u8; 256],
    len: usize,
}

impl Line {
    pub const fn new() -> Line {
        Line { text: [0; 256], len: 0 }
    }

    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.text[..self.len]).unwrap_or("")
    }
}

impl Write for Line {
    fn write_str(&mut self, more: &str) -> Result {
        for byte in more.bytes().filter(|b| b.is_ascii()) {
            if self.len < self.text.len() {
                self.text[self.len] = byte;
                self.len += 1;
            }
        }
        Ok(())
    }
}

pub fn tell(event: &hawse_event, line: &mut Line) {
    let taken_back = if event.flags & HAWSE_EVENT_REMOVED != 0 { ", taken back" } else { "" };
    let _ = write!(
        line,
        "source {} space {} kind {} seq {}: {} bytes{}",
        event.source, event.space, event.kind, event.seq, event.len, taken_back
    );
}
