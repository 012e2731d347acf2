//! A small set of texts. Thousands of alerts have ten labels each, most with one possible value: a
//! sorted list costs a fraction of a tree.

/// Sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StringSet(Vec<String>);

impl StringSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A set of one text.
    pub fn one(text: impl Into<String>) -> Self {
        Self(vec![text.into()])
    }

    fn position(&self, text: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|own| own.as_str().cmp(text))
    }

    /// True when the text is in it.
    pub fn contains(&self, text: &str) -> bool {
        self.position(text).is_ok()
    }

    /// Puts a text in.
    pub fn insert(&mut self, text: String) {
        if let Err(at) = self.position(&text) {
            self.0.insert(at, text);
        }
    }

    /// False when it was not there.
    pub fn remove(&mut self, text: &str) -> bool {
        self.position(text).map(|at| self.0.remove(at)).is_ok()
    }

    /// How many texts it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The texts, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// True when all of its texts are in the other one too.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|text| other.contains(text))
    }

    /// How many are in both.
    pub fn shared(&self, other: &Self) -> usize {
        self.iter().filter(|text| other.contains(text)).count()
    }

    /// The texts that are in one of the two.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        other.0.into_iter().for_each(|text| self.insert(text));
        self
    }

    /// The texts that are in both.
    #[must_use]
    pub fn intersection(mut self, other: &Self) -> Self {
        self.0.retain(|text| other.contains(text));
        self
    }

    /// The texts that are not in the other one.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        self.0.retain(|text| !other.contains(text));
        self
    }
}

impl<S: Into<String>> FromIterator<S> for StringSet {
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        let mut list: Vec<String> = texts.into_iter().map(Into::into).collect();
        list.sort_unstable();
        list.dedup();
        Self(list)
    }
}
