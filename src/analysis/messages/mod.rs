//! What a message is when it is sent: the texts of receivers, followed through the templates that they call.

pub mod check;
pub mod evaluate;
pub mod samples;
pub mod texts;
pub mod types;

use std::collections::{BTreeMap, BTreeSet};

use check::{Bodies, Checked, Fault, Library, Named, Quiet, check};
use samples::Notification;
use texts::MessageText;
use types::Type;

use crate::analysis::view::View;
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::go_template::{self, Broken, Define, Template};
use crate::formats::yaml::source::Source;

/// What is wrong at one place of a file of templates, or of a receiver's text.
#[derive(Debug)]
pub struct Located<'a, T> {
    pub at: Where<'a>,
    pub what: T,
}

/// Where something stands.
#[derive(Clone, Copy, Debug)]
pub enum Where<'a> {
    Text(&'a MessageText<'a>),
    File(&'a Source),
}

/// All texts and templates of an Alertmanager configuration, parsed.
#[derive(Debug)]
pub struct Messages<'a> {
    pub file: &'a AlertmanagerFile,
    pub texts: Vec<(MessageText<'a>, Result<Template, Broken>)>,
    pub files: Vec<(&'a Source, Result<Template, Broken>)>,
    /// Some of the templates are not known, so what calls them cannot be followed.
    pub is_partial: bool,
}

/// The types that a template can be made for, the likeliest first.
fn candidates() -> Vec<Type> {
    use types::MapOf::{Annotations, Labels};
    let alerts = Type::List(Box::new(Type::Alert));
    vec![
        Type::Data,
        Type::Alert,
        Type::Alerts,
        alerts,
        Type::Map(Labels),
        Type::Map(Annotations),
        Type::Pairs,
        Type::Pair,
        Type::Text,
        Type::Number,
        Type::Time,
        Type::Nil,
    ]
}

impl<'a> Messages<'a> {
    /// `None` without a configuration.
    pub fn of(view: &View<'a>) -> Option<Self> {
        let file = view.alertmanager?;
        let texts = texts::all(file).into_iter();
        let texts = texts.map(|text| {
            let parsed = go_template::parse(&text.scalar.value);
            (text, parsed)
        });
        let templates = view.facts.notification_templates.as_deref();
        let files = templates.unwrap_or_default().iter();
        Some(Self {
            file,
            texts: texts.collect(),
            files: files.map(|source| (source, go_template::parse(&source.text))).collect(),
            is_partial: templates.is_none(),
        })
    }

    fn defines(&self) -> impl Iterator<Item = (Where<'_>, &Define)> {
        let of_files = self
            .files
            .iter()
            .filter_map(|(source, parsed)| Some((Where::File(source), parsed.as_ref().ok()?)));
        let of_texts =
            self.texts.iter().filter_map(|(text, parsed)| Some((Where::Text(text), parsed.as_ref().ok()?)));
        of_files
            .chain(of_texts)
            .flat_map(|(at, parsed)| parsed.defines.iter().map(move |define| (at, define)))
    }

    /// The templates by their names.
    pub fn bodies(&self) -> Bodies<'_> {
        self.defines().map(|(_, define)| (define.name.as_str(), define.body.as_slice())).collect()
    }

    /// What cannot be parsed.
    pub fn broken(&self) -> Vec<Located<'_, &Broken>> {
        let of_texts =
            self.texts.iter().filter_map(|(text, parsed)| Some((Where::Text(text), parsed.as_ref().err()?)));
        let of_files = self
            .files
            .iter()
            .filter_map(|(source, parsed)| Some((Where::File(source), parsed.as_ref().err()?)));
        of_texts.chain(of_files).map(|(at, what)| Located { at, what }).collect()
    }

    /// Everything that fails, and every label and annotation that is named.
    pub fn followed(&self) -> Followed<'_> {
        let bodies = self.bodies();
        let hopeless = hopeless(&bodies);
        let known = bodies.iter().filter(|(name, _)| !hopeless.contains(*name));
        let library = Library::new(known.map(|(name, body)| (*name, *body)).collect());
        let mut followed = Followed::default();
        for (text, parsed) in &self.texts {
            let Ok(parsed) = parsed else { continue };
            followed.add(Where::Text(text), check(&parsed.nodes, &Type::Data, &library));
        }
        for (at, define) in self.defines() {
            if let Some(checked) = of_define(define, &library) {
                followed.add(at, checked);
            }
        }
        followed
    }

    /// The notifications of each receiver that has texts.
    pub fn notifications(&self, view: &View<'_>) -> BTreeMap<&str, Vec<Notification>> {
        let receivers: BTreeSet<&str> = self.texts.iter().map(|(text, _)| text.receiver).collect();
        receivers.into_iter().map(|name| (name, samples::of_receiver(view, self.file, name))).collect()
    }
}

/// Templates that fail whatever they are called with: told where they stand, and not at every call.
fn hopeless<'b>(bodies: &Bodies<'b>) -> BTreeSet<&'b str> {
    let fails = |body: &[go_template::Node]| {
        candidates().iter().all(|dot| !check(body, dot, &Quiet).faults.is_empty())
    };
    bodies.iter().filter(|(_, body)| fails(body)).map(|(name, _)| *name).collect()
}

/// A template on its own: for the type that it fits best. Nothing when it may be made for something else.
fn of_define(define: &Define, library: &Library<'_>) -> Option<Checked> {
    let of_any = check(&define.body, &Type::Any, library);
    if !of_any.faults.is_empty() {
        return Some(Checked { faults: of_any.faults, ..Checked::default() });
    }
    let mut all: Vec<Checked> = candidates().iter().map(|dot| check(&define.body, dot, library)).collect();
    // `min_by_key` takes the first of several, which is the likeliest.
    let best = all.iter().enumerate().min_by_key(|(_, checked)| checked.faults.len()).map(|(at, _)| at)?;
    let best = all.swap_remove(best);
    (best.faults.len() <= 2).then_some(best)
}

/// What was found on the way.
#[derive(Debug, Default)]
pub struct Followed<'a> {
    pub faults: Vec<Located<'a, Fault>>,
    pub named: Vec<Located<'a, Named>>,
}

impl<'a> Followed<'a> {
    fn add(&mut self, at: Where<'a>, checked: Checked) {
        self.faults.extend(checked.faults.into_iter().map(|what| Located { at, what }));
        self.named.extend(checked.named.into_iter().map(|what| Located { at, what }));
    }
}

#[cfg(test)]
mod tests;
