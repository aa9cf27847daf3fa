//! The epochs of a run as a table: `history.csv`, for spreadsheets and other programs.

use std::collections::BTreeSet;

use crate::event::Run;
use crate::io::csv;

/// One line an epoch: the cost, the loss and the metrics on dev, the learning rate, the seconds since the run began, and
/// whether it was the best so far. What was not measured, or is no finite number, is an empty cell.
pub(super) fn history(run: &Run) -> String {
    let names: BTreeSet<&String> = run.epochs.iter().flat_map(|epoch| epoch.dev.keys()).collect();
    let dev = names.iter().map(|name| format!("dev_{name}"));
    let header = ["epoch", "cost", "dev_loss"].map(String::from).into_iter().chain(dev);
    let mut table = csv::line(header.chain(["learning_rate", "seconds", "best"].map(String::from)));
    let cell = |value: Option<f64>| value.filter(|x| x.is_finite()).map_or(String::new(), |x| x.to_string());
    for epoch in &run.epochs {
        let first = [epoch.number.to_string(), cell(Some(epoch.cost)), cell(epoch.dev_loss)];
        let dev = names.iter().map(|name| cell(epoch.dev.get(*name).copied()));
        let last = [cell(Some(epoch.learning_rate)), cell(Some(epoch.seconds)), epoch.best.to_string()];
        table += &csv::line(first.into_iter().chain(dev).chain(last));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn an_epoch_is_a_line() {
        let ended = |epoch: usize, cost: f64, accuracy: f64, best: bool| Event::EpochEnded {
            epoch,
            cost,
            dev_loss: (epoch > 1).then_some(0.25),
            dev: [("accuracy".to_string(), accuracy)].into(),
            learning_rate: 1e-3,
            seconds: 0.5,
            best,
            phases: None,
        };
        let events = [ended(1, 0.5, 0.75, true), ended(2, f64::NAN, f64::INFINITY, false)];
        let table = history(&Run::new(&events));
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "epoch,cost,dev_loss,dev_accuracy,learning_rate,seconds,best");
        assert_eq!(lines[1], "1,0.5,,0.75,0.001,0.5,true");
        assert_eq!(lines[2], "2,,0.25,,0.001,0.5,false");
        assert_eq!(history(&Run::default()).lines().count(), 1);
    }
}
