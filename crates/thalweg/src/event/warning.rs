//! What a user should know of a run, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Advice;

/// A warning for the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// What was found; in logs of earlier versions, what to do about it as well.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Advice::is_empty")]
    pub remedy: Advice,
}

impl From<String> for Warning {
    fn from(message: String) -> Warning {
        Warning { message, remedy: Advice::default() }
    }
}

/// As of an error: the remedy is on a line of its own.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.message, self.remedy.line())
    }
}
