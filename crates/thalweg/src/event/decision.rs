//! What was decided for the user, and the options that decide otherwise.

use serde::{Deserialize, Serialize};

use crate::error::{Advice, AdvicePart};

/// A choice made for the user, and what overrides it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Logged", into = "Logged")]
pub struct Decision {
    /// What was decided, as a sentence: `rows split 60/20/20 by row hash`.
    pub what: String,
    /// The reason, in few words: `1,797 rows are few`.
    pub why: String,
    /// The override, as data: each front writes its options as its users do.
    pub instead: Advice,
}

impl Decision {
    /// The override in flags of the command line: `--split 0.8,0.1,0.1`.
    pub fn flag(&self) -> String {
        self.instead.to_string()
    }
}

/// A decision as a line of the log: the flag for people, the options for programs.
#[derive(Serialize, Deserialize)]
struct Logged {
    what: String,
    why: String,
    flag: String,
    #[serde(default, skip_serializing_if = "Advice::is_empty")]
    instead: Advice,
}

impl From<Logged> for Decision {
    fn from(Logged { what, why, flag, instead }: Logged) -> Decision {
        let instead = if instead.is_empty() { Advice::words(flag) } else { instead };
        Decision { what, why, instead }
    }
}

impl From<Decision> for Logged {
    fn from(decision: Decision) -> Logged {
        let flag = decision.flag();
        let Decision { what, why, instead } = decision;
        let has_option = instead.parts().iter().any(|part| matches!(part, AdvicePart::Option { .. }));
        Logged { what, why, flag, instead: if has_option { instead } else { Advice::default() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_holds_the_flag_and_its_options() {
        let decision = |instead: Advice| Decision { what: "a".into(), why: "b".into(), instead };
        for (instead, written) in [
            (
                "[header], or [names=a,b]".into(),
                concat!(
                    r#"{"what":"a","why":"b","flag":"--header, or --names a,b","#,
                    r#""instead":[{"option":"header"},", or ",{"option":"names","value":"a,b"}]}"#
                ),
            ),
            (Advice::words("rename files"), r#"{"what":"a","why":"b","flag":"rename files"}"#),
            (Advice::default(), r#"{"what":"a","why":"b","flag":""}"#),
        ] {
            let decision = decision(instead);
            assert_eq!(serde_json::to_string(&decision).unwrap(), written);
            let read: Decision = serde_json::from_str(written).unwrap();
            assert_eq!(read.instead.parts(), decision.instead.parts());
        }
        let earlier: Decision = serde_json::from_str(r#"{"what":"a","why":"b","flag":"--epochs 100"}"#).unwrap();
        assert_eq!(earlier, decision("[epochs=100]".into()));
    }
}
