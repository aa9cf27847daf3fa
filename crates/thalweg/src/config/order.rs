//! The order of a column's categories, as a text: `small<medium<large`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Categories from the lowest to the highest; case makes no difference.
///
/// As a text, `<` is between two of them; where two follow each other, the second belongs to the next category:
/// `<18<18-64<65+` and `no<<1 h<more` begin with and contain one that begins so.
///
/// ```
/// use thalweg::config::Order;
///
/// let order = Order::from("low<<5 %<high".to_string());
/// assert_eq!(order.levels(), ["low", "<5 %", "high"]);
/// assert_eq!(String::from(order), "low<<5 %<high");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Order(Vec<String>);

impl Order {
    /// The categories, the lowest first.
    ///
    /// # Errors
    /// Unless they are two or more, each once, none empty and none with a `<` other than at its beginning.
    pub fn new(levels: Vec<String>) -> Result<Order> {
        let order = Order(levels);
        order.check()?;
        Ok(order)
    }

    /// The categories, the lowest first.
    pub fn levels(&self) -> &[String] {
        &self.0
    }

    /// Checks what [`Order::new`] says.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::config(message).fix("write [order=size=small<medium<large]"));
        if self.0.len() < 2 {
            return wrong(format!("found {:?}, expected two or more categories with < between", self.0.join("<")));
        }
        let unusable = |level: &&String| {
            let rest = level.strip_prefix('<').unwrap_or(level);
            rest.is_empty() || rest.contains('<')
        };
        if let Some(level) = self.0.iter().find(unusable) {
            return wrong(format!("found the category {level:?}, expected a text with < at its beginning at most"));
        }
        let plain: Vec<String> = self.0.iter().map(|level| level.to_lowercase()).collect();
        match (1..plain.len()).find(|&i| plain[..i].contains(&plain[i])) {
            Some(twice) => wrong(format!("the category {:?} comes twice in the order", self.0[twice])),
            None => Ok(()),
        }
    }
}

impl From<String> for Order {
    fn from(text: String) -> Order {
        let (mut levels, mut next) = (Vec::new(), String::new());
        for part in text.split('<').map(str::trim) {
            if part.is_empty() && next.is_empty() {
                next.push('<');
            } else {
                levels.push(std::mem::take(&mut next) + part);
            }
        }
        if !next.is_empty() {
            levels.push(next);
        }
        Order(levels)
    }
}

impl From<Order> for String {
    fn from(order: Order) -> String {
        order.0.join("<")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_written_as_it_is_read() {
        for (text, levels) in [
            ("small<medium<large", vec!["small", "medium", "large"]),
            ("small < Medium size < large", vec!["small", "Medium size", "large"]),
            ("<18<18-64<65+", vec!["<18", "18-64", "65+"]),
            ("never<<1 h<more", vec!["never", "<1 h", "more"]),
        ] {
            let order = Order::from(text.to_string());
            order.check().unwrap();
            assert_eq!(order.levels(), levels);
            assert_eq!(Order::from(String::from(order.clone())), order);
        }
    }

    #[test]
    fn what_is_no_order_is_told() {
        for (text, told) in [
            ("small", "expected two or more"),
            ("", "expected two or more"),
            ("small<large<SMALL", "\"SMALL\" comes twice"),
            ("small<large<", "found the category \"<\""),
        ] {
            let error = Order::from(text.to_string()).check().unwrap_err();
            assert!(error.message.contains(told), "{text}: {error}");
        }
        assert!(Order::new(vec!["a<b".into(), "c".into()]).is_err());
    }
}
