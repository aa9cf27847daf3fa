//! A configuration as a self-documenting TOML file.

use super::Config;
use super::option_specs::option_specs;
use super::value::inline;
use toml::Table;

/// Column at which comments are wrapped.
const WIDTH: usize = 100;

impl Config {
    /// The configuration as TOML: every key with its meaning as a comment; keys left to Thalweg are commented out.
    /// Parsing it gives the same configuration.
    ///
    /// # Panics
    /// If a number is too large for TOML, which [`Config::validate`] rejects.
    pub fn to_toml(&self) -> String {
        let table = self.to_table().expect("the numbers fit into TOML");
        let mut text = String::new();
        let mut section = String::new();
        for option in option_specs() {
            if option.section != section {
                section.clone_from(&option.section);
                let above = if text.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{above}[{section}]\n"));
            }
            let choices = match (&option.words[..], &option.choices[..]) {
                ([], []) => String::new(),
                (words, choices) => format!(" [{}]", [words, choices].concat().join(", ")),
            };
            text.push_str(&comment(&format!("{}{choices}", option.doc)));
            match table.get(&section).and_then(|table| Table::get(table.as_table()?, &option.name)) {
                Some(value) => text.push_str(&format!("{} = {}\n", option.name, inline(value))),
                None => text.push_str(&format!("# {} =\n", option.name)),
            }
        }
        text
    }
}

/// A comment, wrapped to as many lines as it needs.
fn comment(text: &str) -> String {
    let mut lines = String::from("#");
    let mut width = 1;
    for word in text.split_whitespace() {
        let length = word.chars().count() + 1;
        if width + length > WIDTH {
            lines.push_str("\n#");
            width = 1;
        }
        lines.push(' ');
        lines.push_str(word);
        width += length;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rendered_configuration_comes_back_the_same() {
        let config = Config::default();
        assert_eq!(Config::from_toml(&config.to_toml(), "a").unwrap(), config);
        let settings = [
            ("data.path", "a \"b\"\\ü.csv"),
            ("target", "x,y z"),
            ("kinds", "zip code=categorical"),
            ("delimiter", "tab"),
            ("layers", "3,4"),
            ("activation", "tanh,leaky_relu(0.2)"),
            ("dropout", "0.25"),
            ("class_weights", "a \"b\"=2,c.d=0.5"),
            ("schedule", "manual"),
            ("rates", "1=0.1,20=1e-3"),
            ("epsilon", "1e-300"),
            ("seed", "9223372036854775807"),
        ];
        let config = Config::load(None, &settings.map(|(key, text)| (key.into(), text.into()))).unwrap();
        assert_eq!(Config::from_toml(&config.to_toml(), "a").unwrap(), config);
    }

    #[test]
    fn layers_one_by_one_come_back_too() {
        let mut config = Config::default();
        config.set("layer", "[{ kind = \"linear\", units = 3 }, { kind = \"dropout\", rate = 0.5 }]").unwrap();
        assert_eq!(Config::from_toml(&config.to_toml(), "a").unwrap(), config);
    }

    #[test]
    fn comments_are_wrapped() {
        let text = Config::default().to_toml();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("\n# learning_rate =\n"));
        assert!(text.contains("\nmomentum = 0.9\n"));
    }
}
