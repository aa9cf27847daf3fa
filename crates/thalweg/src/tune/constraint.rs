//! Constraints between searched values: comparisons of their products.

use super::space::Point;
use crate::error::{Error, Result};

/// `layers*units <= 1024`: products of names and numbers on both sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constraint {
    left: Vec<Factor>,
    right: Vec<Factor>,
    less: bool,
    equal: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Factor {
    Name(String),
    Number(f64),
}

impl Constraint {
    /// Parses a constraint.
    pub(super) fn parse(text: &str) -> Result<Constraint> {
        let wrong = || {
            let error =
                Error::config(format!("found {text:?}, expected two products with <, <=, > or >= between them"));
            error.at("--constraints").fix("write as in layers*units<=1024")
        };
        let at = text.find(['<', '>']).ok_or_else(wrong)?;
        let (left, rest) = text.split_at(at);
        let (less, rest) = (rest.starts_with('<'), &rest[1..]);
        let (equal, right) = rest.strip_prefix('=').map_or((false, rest), |right| (true, right));
        let factors = |side: &str| side.split('*').map(|factor| factor_of(factor.trim())).collect::<Option<Vec<_>>>();
        let (left, right) = (factors(left).ok_or_else(wrong)?, factors(right).ok_or_else(wrong)?);
        Ok(Constraint { left, right, less, equal })
    }

    /// The names it mentions.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.left.iter().chain(&self.right).filter_map(|factor| match factor {
            Factor::Name(name) => Some(name.as_str()),
            Factor::Number(_) => None,
        })
    }

    /// Whether it holds; it does where a name has no numeric value.
    pub(super) fn holds(&self, point: &Point) -> bool {
        let (Some(left), Some(right)) = (product(&self.left, point), product(&self.right, point)) else { return true };
        (self.equal && left == right) || if self.less { left < right } else { left > right }
    }
}

fn factor_of(text: &str) -> Option<Factor> {
    if let Ok(number) = text.parse() {
        return Some(Factor::Number(number));
    }
    let named = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    named.then(|| Factor::Name(text.into()))
}

fn product(factors: &[Factor], point: &Point) -> Option<f64> {
    factors.iter().try_fold(1.0, |product, factor| match factor {
        Factor::Number(number) => Some(product * number),
        Factor::Name(name) => Some(product * point.get(name)?.parse::<f64>().ok()?),
    })
}
