//! What the checks have found so far: everything is reported at once.

use std::fmt::Display;

use super::error::{ConfigError, Problem};
use super::layers::Layers;
use super::path::KeyPath;

/// Problems and warnings, with the layers to say where they are.
pub(super) struct Findings<'a> {
    pub(super) layers: &'a Layers,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(layers: &'a Layers, problems: Vec<Problem>) -> Self {
        Self {
            layers,
            problems,
            warnings: Vec::new(),
        }
    }

    /// A problem in full sentences.
    pub(super) fn note(&mut self, key: &KeyPath, message: String) {
        self.problems.push(Problem {
            place: self.layers.place(key),
            key: key.clone(),
            message,
        });
    }

    /// A key whose value is wrong.
    pub(super) fn wrong(&mut self, key: &KeyPath, reason: impl Display) {
        self.note(key, format!("{key}: {reason}"));
    }

    /// The value, or a problem with the key and nothing.
    pub(super) fn check<T>(&mut self, key: &KeyPath, value: Result<T, impl Display>) -> Option<T> {
        value.map_err(|reason| self.wrong(key, reason)).ok()
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(&mut self, key: &KeyPath, value: Option<T>) -> Option<T> {
        self.present(key, value, || format!("{key} is missing"))
    }

    /// The same of a key for which a variable of the platform stands in.
    pub(super) fn required_or<T>(
        &mut self,
        key: &KeyPath,
        value: Option<T>,
        variable: &str,
    ) -> Option<T> {
        self.present(key, value, || {
            format!("{key} is missing, and so is the variable {variable}")
        })
    }

    fn present<T>(
        &mut self,
        key: &KeyPath,
        value: Option<T>,
        otherwise: impl FnOnce() -> String,
    ) -> Option<T> {
        if value.is_none() && !self.is_reported(key) {
            self.note(key, otherwise());
        }
        value
    }

    /// Something is known to be wrong with a key, or with what it lies in.
    pub(super) fn is_reported(&self, key: &KeyPath) -> bool {
        self.problems
            .iter()
            .any(|problem| !problem.key.is_root() && key.is_within(&problem.key))
    }

    /// Something to know that keeps nobody from starting.
    pub(super) fn warn(&mut self, key: &KeyPath, message: impl Display) {
        let place = self.layers.place(key);
        self.warnings.push(format!("{place}: {key}: {message}"));
    }

    /// The problems in the order of the file, and those of variables after them.
    pub(super) fn into_error(mut self) -> ConfigError {
        self.problems.sort();
        ConfigError::Invalid(self.problems)
    }
}
