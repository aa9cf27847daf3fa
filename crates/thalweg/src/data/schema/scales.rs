//! Well-known scales of words, from small to large and from never to always.

use super::ranges;

/// With fewer levels there is no order that matters: two categories differ in one input anyway.
const FEWEST: usize = 3;

/// Scales, the lowest level first; a level is one of several words for it, in lower case and with blanks for `-` and `_`.
const SCALES: [&[&str]; 25] = [
    &[
        "xxs|2xs",
        "xs|x small|extra small|tiny",
        "s|small",
        "m|medium|mid|middle",
        "l|large|big",
        "xl|x large|extra large|huge",
        "xxl|2xl|xx large",
        "xxxl|3xl",
    ],
    &[
        "none|no|absent",
        "very low|lowest|minimal",
        "low|minor|mild|slight|light",
        "medium|mid|moderate|average|normal|intermediate",
        "high|major|severe|heavy|strong",
        "very high|highest|extreme|critical",
    ],
    &[
        "never",
        "almost never|hardly ever|very rarely",
        "rarely|seldom",
        "occasionally|once in a while",
        "sometimes",
        "often|frequently",
        "very often|usually",
        "almost always|nearly always",
        "always",
    ],
    &["hourly", "daily", "weekly", "biweekly|fortnightly", "monthly", "quarterly", "yearly|annually|annual"],
    &[
        "strongly disagree|disagree strongly|completely disagree|totally disagree",
        "disagree",
        "somewhat disagree|slightly disagree|disagree somewhat|disagree a little",
        "neutral|neither|neither agree nor disagree|undecided",
        "somewhat agree|slightly agree|agree somewhat|agree a little",
        "agree",
        "strongly agree|agree strongly|completely agree|totally agree",
    ],
    &[
        "very dissatisfied|very unsatisfied",
        "dissatisfied|unsatisfied",
        "somewhat dissatisfied|slightly dissatisfied",
        "neutral|neither|neither satisfied nor dissatisfied",
        "somewhat satisfied|slightly satisfied",
        "satisfied",
        "very satisfied",
    ],
    &["very unlikely", "unlikely", "neutral|neither|possible", "likely", "very likely"],
    &[
        "not important|unimportant|not at all important",
        "slightly important|somewhat important",
        "moderately important|important",
        "very important",
        "extremely important",
    ],
    &["very negative", "negative", "neutral|mixed", "positive", "very positive"],
    &["much worse", "worse", "same|about the same|unchanged", "better", "much better"],
    &["decreased|decrease|down", "same|stable|unchanged|steady", "increased|increase|up"],
    &[
        "very poor|very bad|terrible|awful",
        "poor|bad",
        "fair|average|ok|okay|acceptable",
        "good",
        "very good",
        "excellent|outstanding|great",
    ],
    // How diamonds are cut, and how clear they are.
    &["fair", "good", "very good", "premium", "ideal"],
    &["i3", "i2", "i1", "si2", "si1", "vs2", "vs1", "vvs2", "vvs1", "if", "fl"],
    // Qualities and exposures of houses in assessors' tables.
    &["na|none", "po", "fa", "ta", "gd", "ex"],
    &["no", "mn", "av", "gd"],
    &["unf", "lwq", "rec", "blq", "alq", "glq"],
    // Languages.
    &["a1", "a2", "b1", "b2", "c1", "c2"],
    &["beginner|novice", "elementary|basic", "intermediate", "advanced", "expert|proficient"],
    &["intern|trainee", "junior|entry|entry level", "mid|middle|mid level|medior", "senior", "lead|principal"],
    &["bronze", "silver", "gold", "platinum", "diamond"],
    &[
        "first|1st",
        "second|2nd",
        "third|3rd",
        "fourth|4th",
        "fifth|5th",
        "sixth|6th",
        "seventh|7th",
        "eighth|8th",
        "ninth|9th",
        "tenth|10th",
    ],
    // Schooling, as the census has it and as others say it.
    &[
        "preschool|no schooling",
        "1st 4th",
        "5th 6th",
        "7th 8th",
        "9th",
        "10th",
        "11th",
        "12th",
        "hs grad|high school|high school graduate",
        "some college",
        "assoc voc|associate|associate's|associates",
        "assoc acdm",
        "bachelors|bachelor|bachelor's|bachelor's degree",
        "masters|master|master's|master's degree",
        "prof school",
        "doctorate|doctoral|phd|ph.d.",
    ],
    &[
        "jan|january",
        "feb|february",
        "mar|march",
        "apr|april",
        "may",
        "jun|june",
        "jul|july",
        "aug|august",
        "sep|sept|september",
        "oct|october",
        "nov|november",
        "dec|december",
    ],
    &[
        "mon|monday",
        "tue|tues|tuesday",
        "wed|wednesday",
        "thu|thur|thurs|thursday",
        "fri|friday",
        "sat|saturday",
        "sun|sunday",
    ],
];

/// The values in order, the lowest first, if all are levels of one scale, or ranges of numbers one after the other;
/// values in several cases come once.
pub(super) fn order_of<'a>(values: &[&'a str]) -> Option<Vec<&'a str>> {
    let mut values = values.to_vec();
    let mut seen = Vec::new();
    values.retain(|value| {
        let lower = value.to_lowercase();
        let new = !seen.contains(&lower);
        seen.extend(new.then_some(lower));
        new
    });
    if values.len() < FEWEST {
        return None;
    }
    SCALES.iter().find_map(|scale| in_scale(&values, scale)).or_else(|| ranges::in_order(&values))
}

/// The values in the order of a scale, if each is a level of its own.
fn in_scale<'a>(values: &[&'a str], scale: &[&str]) -> Option<Vec<&'a str>> {
    let rank = |value: &str| {
        let word = value.to_lowercase().replace(['-', '_'], " ");
        let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
        scale.iter().position(|level| level.split('|').any(|one| one == word))
    };
    let mut ranked = values.iter().map(|value| Some((rank(value)?, *value))).collect::<Option<Vec<_>>>()?;
    ranked.sort_unstable();
    ranked.windows(2).all(|pair| pair[0].0 < pair[1].0).then(|| ranked.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_scale_are_put_in_its_order() {
        let orders: [&[&str]; 11] = [
            &["small", "Medium", "LARGE", "x-large"],
            &["S", "M", "L", "XL"],
            &["low", "medium", "high"],
            &["Never", "Rarely", "Sometimes", "Often", "Always"],
            &["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"],
            &["poor", "fair", "good", "very_good", "excellent"],
            &["Fair", "Good", "Very Good", "Premium", "Ideal"],
            &["Po", "Fa", "TA", "Gd", "Ex"],
            &["HS-grad", "Some-college", "Assoc-voc", "Assoc-acdm", "Bachelors", "Masters", "Doctorate"],
            &["Jan", "Feb", "Mar", "Dec"],
            &["first", "second", "third"],
        ];
        for order in orders {
            let mut values = order.to_vec();
            values.sort_unstable();
            assert_eq!(order_of(&values).unwrap(), order);
        }
    }

    #[test]
    fn other_values_have_no_order() {
        let sets: [&[&str]; 6] = [
            &["small", "large"],
            &["small", "SMALL", "large"],
            &["small", "medium", "large", "unknown"],
            &["red", "green", "blue"],
            &["low", "minor", "high"],
            &["S", "C", "Q"],
        ];
        assert!(sets.iter().all(|values| order_of(values).is_none()));
    }

    #[test]
    fn a_scale_has_each_word_once() {
        for scale in SCALES {
            let mut words: Vec<&str> = scale.iter().flat_map(|level| level.split('|')).collect();
            let count = words.len();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), count, "{scale:?}");
        }
    }
}
