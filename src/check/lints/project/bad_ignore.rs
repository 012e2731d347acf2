//! See [`crate::check::ignore`].

use crate::check::finding::Severity;
use crate::check::lint::{Lint, Run};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "bad-ignore",
    severity: Severity::Warning,
    doc: "An `ignore` comment without a reason, or for a lint that does not exist.",
    run: Run::Reading,
};
