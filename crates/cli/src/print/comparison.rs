//! Two models on the same rows, on the terminal.

use thalweg::run::Comparison;

use super::{BOLD, grouped, interval, line, short, table};

/// Each metric of both, the differences, and what they come to.
pub(crate) fn comparison(found: &Comparison) -> std::io::Result<()> {
    let paired = &found.paired;
    line(&format!("A   {}", found.a))?;
    line(&format!("B   {}", found.b))?;
    line("")?;
    let mut rows = vec![["", "A", "B", "B − A"].map(String::from).to_vec()];
    rows.extend(
        paired
            .metrics
            .iter()
            .map(|(name, both)| vec![name.clone(), interval(&both.a), interval(&both.b), interval(&both.difference)]),
    );
    rows.push(vec!["rows".into(), grouped(paired.rows), grouped(paired.rows), String::new()]);
    table(&rows)?;
    line("")?;
    line(&format!("B − A: 95 % intervals of the paired bootstrap, {} resamples", grouped(paired.resamples)))?;
    let loss = if paired.metrics.contains_key("rmse") { "squared error" } else { "log loss" };
    line(&format!("mean {loss}, B − A: {}, by Student's t for pairs", interval(&paired.mean_loss)))?;
    if let Some(test) = &paired.mcnemar {
        let (a, b) = (grouped(test.only_a), grouped(test.only_b));
        line(&format!("rows that only A has right: {a}, only B: {b}; McNemar's exact p = {}", short(test.p)))?;
    }
    line("")?;
    line(&format!("{BOLD}{}{BOLD:#}", found.verdict))
}
