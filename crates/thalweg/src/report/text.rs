//! Formatting of words and numbers for the page.

/// Text escaped for HTML and SVG: markup characters escaped, characters forbidden in XML replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Truncates text to `most` characters, with an ellipsis if anything was cut.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short + "…"
}

/// The approximate width of text at a font size, in the same unit: for space around labels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.29,
            'f' | 't' | 'r' | ' ' | '(' | ')' | '-' | '/' | '\u{a0}' => 0.38,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.88,
            c if c.is_uppercase() => 0.69,
            c if c as u32 >= 0x1100 => 1.0,
            _ => 0.61,
        })
        .sum();
    ems * size
}

/// `1,234`.
pub(crate) fn count(n: usize) -> String {
    grouped(&n.to_string())
}

/// `1 row`, `2 rows`.
pub(crate) fn plural(n: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// A number with a fixed number of decimals, grouped thousands and a true minus sign.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() || value.abs() >= 1e15 {
        // More digits would be unreadable.
        return number(value, 4);
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// A number to a few significant digits: `0.0312`, `61,250`, `1.2 × 10⁻⁹`.
pub(crate) fn number(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return if value.is_nan() { "not a number" } else { "infinite" }.into();
    }
    // Taken from the rounded text, so that 9.996 counts as 10.00.
    let (rounded, exponent) = scientific(value, digits.saturating_sub(1));
    if (-4..7).contains(&exponent) {
        return fixed(rounded * 10f64.powi(exponent), (digits as i32 - 1 - exponent).max(0) as usize);
    }
    let decimals = digits.saturating_sub(1).min(1);
    let (mantissa, exponent) = scientific(value, decimals);
    format!("{} × {}", fixed(mantissa, decimals), power_of_ten(exponent))
}

/// A finite number as a mantissa with this many decimals and a power of ten.
fn scientific(value: f64, decimals: usize) -> (f64, i32) {
    let text = format!("{value:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.parse().unwrap_or(value), exponent.parse().unwrap_or(0))
}

/// `10⁻³`.
pub(crate) fn power_of_ten(exponent: i32) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        c => char::from_u32(0x2070 + c.to_digit(10).unwrap_or(0)).unwrap_or(c),
    };
    format!("10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

/// A fraction as a percentage: `97.2 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{}\u{a0}%", fixed(share * 100.0, if share.abs() < 0.0995 && share != 0.0 { 2 } else { 1 }))
}

/// `41 ms`, `2.1 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        // Only a log that was tampered with holds such a time.
        s if !(0.0..1e12).contains(&s) => format!("{}\u{a0}s", number(s, 2)),
        s if s < 0.9995 => format!("{:.0}\u{a0}ms", s * 1e3),
        s if s < 59.95 => format!("{s:.1}\u{a0}s"),
        s if s < 3599.5 => format!("{:.0}\u{a0}min {:.0}\u{a0}s", (s.round() / 60.0).floor(), s.round() % 60.0),
        s => format!("{:.0}\u{a0}h {:.0}\u{a0}min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// A metric's name in words.
pub fn metric_name(name: &str) -> &str {
    match name {
        "log_loss" => "log loss",
        "roc_auc" => "ROC AUC",
        "pr_auc" => "PR AUC",
        "f1_macro" => "F1 (macro)",
        "brier" => "Brier score",
        "ece" => "calibration error",
        "rmse" => "RMSE",
        "mae" => "MAE",
        "r2" => "R²",
        "mape" => "MAPE",
        other => other,
    }
}

/// A metric's value in its usual unit.
pub fn metric_value(name: &str, value: f64) -> String {
    match name {
        _ if !value.is_finite() => number(value, 4),
        "accuracy" | "mape" => percent(value),
        "log_loss" => number(value, 3),
        "roc_auc" | "pr_auc" | "f1_macro" | "r2" | "brier" | "ece" => fixed(value, 4),
        _ => number(value, 4),
    }
}

/// The text with its first letter capitalised.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_markup_and_forbidden_characters() {
        assert_eq!(escape("<b a=\"1\">&'\u{0}\n"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;\u{fffd} ");
    }

    #[test]
    fn writes_numbers_for_people() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(123), "123");
        assert_eq!(number(61_249.7, 4), "61,250");
        assert_eq!(number(0.031_24, 3), "0.0312");
        assert_eq!(number(9.9996, 4), "10.00");
        assert_eq!(number(-1.234e-9, 3), "−1.2 × 10⁻⁹");
        assert_eq!(number(f64::NAN, 3), "not a number");
        assert_eq!(fixed(-0.001, 1), "0.0");
        assert_eq!(
            [1e308, -1e300, 1e-320, 5e-324].map(|x| number(x, 3)),
            ["1.0 × 10³⁰⁸", "−1.0 × 10³⁰⁰", "1.0 × 10⁻³²⁰", "4.9 × 10⁻³²⁴"]
        );
        assert_eq!([number(-0.0, 3), number(f64::MAX, 2)], ["0", "1.8 × 10³⁰⁸"]);
        assert_eq!([fixed(-1e300, 4), fixed(f64::INFINITY, 1)], ["−1.0 × 10³⁰⁰", "infinite"]);
        assert_eq!([duration(f64::NAN), duration(1e300)], ["not a number\u{a0}s", "1.0 × 10³⁰⁰\u{a0}s"]);
        assert_eq!(percent(0.9722), "97.2\u{a0}%");
        assert_eq!(percent(0.0123), "1.23\u{a0}%");
        assert_eq!(power_of_ten(-13), "10⁻¹³");
        assert_eq!(duration(200.2), "3\u{a0}min 20\u{a0}s");
        assert_eq!(duration(119.7), "2\u{a0}min 0\u{a0}s");
    }

    #[test]
    fn shortens_with_an_ellipsis() {
        assert_eq!(shorten("ankle boot", 7), "ankle…");
        assert_eq!(shorten("boot", 4), "boot");
    }
}
