//! The same by hand: numbered steps for a person who has the rights that the product has not.

mod portal;
mod shell;
mod write;

use std::fmt;

use azconnect_core::{Cloud, Error};
use serde::Serialize;

use crate::part::Step;
use crate::spec::SetupSpec;

/// How a person sets the same up by hand, in the portal or with the `az` program, with every value filled in.
///
/// It holds no secret and asks for none: the person enters the new secret in the product, and nowhere else. The commands are
/// for a POSIX shell, such as that of the Cloud Shell, in one session: what one of them prints, a later one reads from a variable.
///
/// ```
/// use azconnect_core::Cloud;
/// use azconnect_setup::{SetupGuide, SetupSpec, SubscriptionAccess};
///
/// let access = SubscriptionAccess::new("20000000-0000-4000-8000-000000000001".parse()?);
/// let spec = SetupSpec::new("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?, "Contoso's builds").with_access(access);
/// let guide = SetupGuide::new(&spec, &Cloud::public())?;
/// let commands: Vec<_> = guide.steps.iter().flat_map(|step| &step.commands).collect();
/// assert!(commands[1].contains(r"'Contoso'\''s builds'"), "quoted for the shell: {}", commands[1]);
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SetupGuide {
    /// What is set up, in one line.
    pub title: String,
    /// The steps, in order.
    pub steps: Vec<GuideStep>,
    /// What the person enters in the product in the end, by the names that the portal shows.
    pub bring_back: Vec<GuideValue>,
}

/// One step of a guide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GuideStep {
    /// Its number, from 1.
    pub number: usize,
    /// The step of a setup that it stands for.
    pub step: Step,
    /// What is done, in one line.
    pub title: String,
    /// Who may do it.
    pub who: String,
    /// What to click and to enter in the portal, in order.
    pub portal: Vec<String>,
    /// The same as commands for a POSIX shell.
    pub commands: Vec<String>,
    /// The values that appear in it.
    pub values: Vec<GuideValue>,
}

/// A value that a person copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GuideValue {
    /// What it is called in the portal.
    pub name: String,
    /// The value, or where it is found.
    pub value: String,
}

impl GuideValue {
    fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into() }
    }
}

impl SetupGuide {
    /// The guide of a specification in a cloud.
    ///
    /// # Errors
    /// As [`SetupSpec::check`].
    pub fn new(spec: &SetupSpec, cloud: &Cloud) -> Result<Self, Error> {
        spec.check()?;
        Ok(write::guide(spec, cloud))
    }
}

impl fmt::Display for SetupGuide {
    /// Writes it for a terminal: each step with its clicks, then its commands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        for step in &self.steps {
            writeln!(f, "\n{}. {} ({})", step.number, step.title, step.who)?;
            for click in &step.portal {
                writeln!(f, "   - {click}")?;
            }
            for command in &step.commands {
                writeln!(f, "   $ {command}")?;
            }
        }
        writeln!(f, "\nThen enter in the product:")?;
        for value in &self.bring_back {
            writeln!(f, "   {}: {}", value.name, value.value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
