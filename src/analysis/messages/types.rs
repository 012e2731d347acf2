//! The values that Alertmanager gives its templates, by type: what fields they have and what functions take.

/// What is known of a value before there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// Nothing is known of it.
    Any,
    Nil,
    /// A whole notification.
    Data,
    Alert,
    /// `.Alerts`, with its methods.
    Alerts,
    /// Labels or annotations by name.
    Map(MapOf),
    Pairs,
    Pair,
    Text,
    Number,
    Bool,
    Time,
    List(Box<Self>),
}

/// Whose names a map holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MapOf {
    Labels,
    Annotations,
    /// Names that nobody checks.
    Others,
}

/// What a field leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Is(Type),
    /// A method with this many arguments; `None` for any number.
    Method(Option<usize>, Type),
    /// The value of a label or an annotation, which may be missing.
    Named(MapOf),
    /// There is none; such are there.
    Missing(&'static [&'static str]),
}

const DATA: [&str; 7] =
    ["Receiver", "Status", "Alerts", "GroupLabels", "CommonLabels", "CommonAnnotations", "ExternalURL"];
const ALERT: [&str; 7] =
    ["Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"];
const TIME: [&str; 34] = [
    "Add",
    "AddDate",
    "After",
    "AppendFormat",
    "Before",
    "Clock",
    "Compare",
    "Date",
    "Day",
    "Equal",
    "Format",
    "GoString",
    "Hour",
    "ISOWeek",
    "In",
    "IsDST",
    "IsZero",
    "Local",
    "Location",
    "Minute",
    "Month",
    "Nanosecond",
    "Round",
    "Second",
    "String",
    "Sub",
    "Truncate",
    "UTC",
    "Unix",
    "UnixMicro",
    "UnixMilli",
    "UnixNano",
    "Weekday",
    "Year",
];

impl Type {
    /// What a field of a value of this type is.
    pub fn field(&self, name: &str) -> Field {
        use Field::{Is, Method, Missing, Named};
        let alerts = || Self::List(Box::new(Self::Alert));
        let texts = || Self::List(Box::new(Self::Text));
        match self {
            Self::Any => Is(Self::Any),
            Self::Data => match name {
                "Receiver" | "Status" | "ExternalURL" => Is(Self::Text),
                // Since 0.33; why the notification is sent.
                "NotificationReason" => Is(Self::Any),
                "Alerts" => Is(Self::Alerts),
                "GroupLabels" | "CommonLabels" => Is(Self::Map(MapOf::Labels)),
                "CommonAnnotations" => Is(Self::Map(MapOf::Annotations)),
                _ => Missing(&DATA),
            },
            Self::Alert => match name {
                "Status" | "GeneratorURL" | "Fingerprint" => Is(Self::Text),
                "Labels" => Is(Self::Map(MapOf::Labels)),
                "Annotations" => Is(Self::Map(MapOf::Annotations)),
                "StartsAt" | "EndsAt" => Is(Self::Time),
                _ => Missing(&ALERT),
            },
            Self::Alerts => match name {
                "Firing" | "Resolved" => Method(Some(0), alerts()),
                _ => Missing(&["Firing", "Resolved"]),
            },
            Self::Map(of) => match name {
                "SortedPairs" => Method(Some(0), Self::Pairs),
                "Remove" => Method(Some(1), self.clone()),
                "Names" | "Values" => Method(Some(0), texts()),
                "String" => Method(Some(0), Self::Text),
                _ => Named(*of),
            },
            Self::Pairs => match name {
                "Names" | "Values" => Method(Some(0), texts()),
                "String" => Method(Some(0), Self::Text),
                _ => Missing(&["Names", "Values"]),
            },
            Self::Pair => match name {
                "Name" | "Value" => Is(Self::Text),
                _ => Missing(&["Name", "Value"]),
            },
            Self::Time if TIME.contains(&name) => {
                Method(None, if name == "UTC" || name == "Local" { Self::Time } else { Self::Any })
            }
            Self::Time => Missing(&TIME),
            Self::Nil | Self::Text | Self::Number | Self::Bool | Self::List(_) => Missing(&[]),
        }
    }

    /// What each turn of a `range` sees: the index or key, and the value. `None` where there is nothing to
    /// go through.
    pub fn items(&self) -> Option<(Self, Self)> {
        Some(match self {
            Self::Any | Self::Nil => (Self::Any, Self::Any),
            Self::Alerts => (Self::Number, Self::Alert),
            Self::List(of) => (Self::Number, (**of).clone()),
            Self::Pairs => (Self::Number, Self::Pair),
            Self::Map(_) => (Self::Text, Self::Text),
            // Newer versions of Go count up to it.
            Self::Number => (Self::Any, Self::Number),
            Self::Data | Self::Alert | Self::Pair | Self::Text | Self::Bool | Self::Time => return None,
        })
    }

    /// In a sentence.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Any => "something unknown",
            Self::Nil => "nothing",
            Self::Data => "the data of a notification",
            Self::Alert => "an alert",
            Self::Alerts => "the list of alerts",
            Self::Map(MapOf::Labels) => "labels",
            Self::Map(MapOf::Annotations) => "annotations",
            Self::Map(MapOf::Others) => "a map",
            Self::Pairs => "a list of pairs",
            Self::Pair => "a pair",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "a truth value",
            Self::Time => "a time",
            Self::List(_) => "a list",
        }
    }

    /// What either of two can be.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        if self == *other { self } else { Self::Any }
    }

    /// Whether a function that wants `wanted` takes it.
    pub fn fits(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::List(own), Self::List(wanted)) => own.fits(wanted),
            _ => self == wanted,
        }
    }
}

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    pub takes: Vec<Type>,
    /// More of the last one may follow, or none of it.
    pub any_number: bool,
    pub gives: Type,
}

/// The functions of Go's templates and of Alertmanager (asked of amtool 0.33).
pub fn function(name: &str) -> Option<Signature> {
    use Type::{Any, Bool, Number, Text, Time};
    let texts = Type::List(Box::new(Text));
    let (takes, any_number, gives) = match name {
        "toUpper" | "toLower" | "title" | "trimSpace" | "safeHtml" | "safeUrl" | "urlUnescape" => {
            (vec![Text], false, Text)
        }
        "join" => (vec![Text, texts], false, Text),
        "match" => (vec![Text, Text], false, Bool),
        "reReplaceAll" => (vec![Text, Text, Text], false, Text),
        "stringSlice" => (vec![Text], true, texts),
        "date" => (vec![Text, Time], false, Text),
        "tz" => (vec![Text, Time], false, Time),
        "since" => (vec![Time], false, Any),
        "humanizeDuration" | "toJson" => (vec![Any], false, Text),
        "now" => (vec![], false, Time),
        "list" | "dict" => (vec![Any], true, Any),
        "html" | "js" | "print" | "println" | "urlquery" => (vec![Any], true, Text),
        "printf" => (vec![Text, Any], true, Text),
        "len" => (vec![Any], false, Number),
        "not" => (vec![Any], false, Bool),
        "ne" | "lt" | "le" | "gt" | "ge" => (vec![Any, Any], false, Bool),
        "eq" => (vec![Any, Any], true, Bool),
        // What most of these give depends on what they get.
        "index" | "slice" | "and" | "or" | "append" | "call" => (vec![Any, Any], true, Any),
        _ => return None,
    };
    Some(Signature { takes, any_number, gives })
}

/// Every function, for near misses.
pub const FUNCTIONS: [&str; 35] = [
    "and",
    "append",
    "call",
    "date",
    "dict",
    "eq",
    "ge",
    "gt",
    "html",
    "humanizeDuration",
    "index",
    "join",
    "js",
    "le",
    "len",
    "list",
    "lt",
    "match",
    "ne",
    "not",
    "now",
    "or",
    "print",
    "printf",
    "println",
    "reReplaceAll",
    "safeHtml",
    "safeUrl",
    "since",
    "slice",
    "stringSlice",
    "title",
    "toJson",
    "toLower",
    "toUpper",
];
