//! Findings at places of files whose readers know nothing of findings.

use crate::analysis::facts::ServiceFile;
use crate::analysis::messages::{Messages, Where};
use crate::check::finding::Finding;
use crate::check::lint::Lint;
use crate::check::origin;
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::dashboard::{Dashboard, Panel};

impl AlertmanagerFile {
    /// A finding at an offset of the text that Alertmanager gets.
    pub fn finding(&self, lint: &Lint, offset: usize, message: String) -> Finding {
        let place = self.source.place(offset);
        let place = self.template.as_ref().map_or(place, |template| {
            origin::template_place(&self.source, place, template).unwrap_or_default()
        });
        lint.at(&self.source, place, message)
    }
}

impl ServiceFile {
    /// A finding at an offset of the text that the service gets.
    pub fn finding(&self, lint: &Lint, offset: usize, message: String) -> Finding {
        let place = self.source.place(offset);
        let place = self.template.as_ref().map_or(place, |template| {
            origin::template_place(&self.source, place, template).unwrap_or_default()
        });
        lint.at(&self.source, place, message)
    }
}

impl Dashboard {
    /// A finding at an offset of the file.
    pub fn finding(&self, lint: &Lint, offset: usize, message: String) -> Finding {
        lint.at(&self.source, self.source.place(offset), message)
    }

    /// A finding about a panel, at an offset.
    pub fn on(&self, lint: &Lint, panel: &Panel, offset: usize, message: &str) -> Finding {
        let message = if panel.title.is_empty() {
            message.to_owned()
        } else {
            format!("panel \"{}\": {message}", panel.title)
        };
        self.finding(lint, offset, message)
    }
}

impl Messages<'_> {
    /// A finding at byte `offset` of a receiver's text or of a file of templates.
    pub fn finding(&self, lint: &Lint, at: Where<'_>, offset: usize, message: &str) -> Finding {
        match at {
            Where::File(source) => lint.at(source, source.place(offset), message.to_owned()),
            Where::Text(text) => {
                let source = &self.file.source;
                let offset = source.offset(text.scalar.place_of(source, offset));
                self.file.finding(lint, offset, format!("`{}` of `{}`: {message}", text.field, text.receiver))
            }
        }
    }
}
