//! Where text goes: data to stdout, everything else to stderr, with colour only where it helps.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Human,
    Json,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// The program's voice. A closed pipe on stdout (`… | head`) is not an error.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts about two streams")]
pub struct Output {
    pub format: Format,
    pub quiet: bool,
    pub color_stdout: bool,
    pub color_stderr: bool,
    pub terminal: bool,
}

/// What is as it should be.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What is broken.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What should be looked at.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// What matters less than its line.
pub const DIM: Style = Style::new().dimmed();
/// What can be done.
pub const HINT: Style = AnsiColor::Cyan.on_default();
/// Headings.
pub const BOLD: Style = Style::new().bold();

impl Output {
    /// Writes data, as it is, to stdout.
    pub fn data(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    /// Columns of the terminal that data goes to; `None` when it goes elsewhere.
    pub fn data_width(&self) -> Option<usize> {
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
    }

    /// Writes a JSON value and a line break to stdout.
    pub fn json(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.data(&format!("{text}\n"));
    }

    /// A line on stderr; silent with `--quiet`.
    pub fn info(&self, text: &str) {
        if self.quiet {
            return;
        }
        match self.format {
            Format::Human => self.say(text),
            Format::Json => self.say(&serde_json::json!({"event": "fact", "text": text}).to_string()),
        }
    }

    /// A line on stderr, even with `--quiet`.
    pub fn say(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// A line on stderr that counts even with `--quiet`.
    pub fn notice(&self, text: &str) {
        Self { quiet: false, ..*self }.info(text);
    }

    /// A warning on stderr; with `--quiet` too.
    pub fn warning(&self, text: &str) {
        match self.format {
            Format::Human => self.say(&format!("{}: {text}", self.styled("warning", WARN))),
            Format::Json => self.say(&serde_json::json!({"event": "warning", "text": text}).to_string()),
        }
    }

    /// `text` in `style` where stderr shows colour.
    pub fn styled(&self, text: &str, style: Style) -> String {
        paint(text, style, self.color_stderr)
    }

    /// `text` in `style` where stdout shows colour.
    pub fn styled_data(&self, text: &str, style: Style) -> String {
        paint(text, style, self.color_stdout)
    }
}

fn paint(text: &str, style: Style, color: bool) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
