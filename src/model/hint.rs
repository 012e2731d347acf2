//! What a person can do about an error, kept beside the error rather than inside its text.

/// Implemented by every module's error type.
pub trait Hint {
    /// One actionable sentence without a final period, or `None` when there is no honest advice.
    fn hint(&self) -> Option<String>;
}
