//! The report's tables: mistakes, confusions, layers, decisions.

use std::fmt::Write;

use super::answers::Confusion;
use super::text::{capital, count, escape, metric_name, metric_value, number, percent, plural, shorten};
use crate::data::schema::Task;
use crate::event::{Ablation, Run};
use crate::event::{Baseline, Coverage, Decision, LayerRow, Mistake, PullingWord, PullingWords, Splits, Words};
use crate::metrics::{self, Metric, Metrics};

/// Rows shown initially; the rest is collapsed.
const SHOWN: usize = 12;

/// The examples with the highest loss.
pub(super) fn mistakes(run: &Run, mistakes: &[Mistake]) -> String {
    let classes = run.task != Some(Task::Regression);
    if mistakes.iter().any(|m| m.picture.is_some()) {
        return sheet(mistakes, classes);
    }
    let confident = mistakes.iter().any(|m| m.confidence.is_some());
    let inputs = mistakes.iter().any(|m| !m.inputs.is_empty());
    let mut head = String::from("<th>Where</th><th>Truth</th><th>Prediction</th>");
    head += if confident { r#"<th class="r">Confidence</th>"# } else { "" };
    head += r#"<th class="r">Loss</th>"#;
    head += if inputs { "<th>Inputs</th>" } else { "" };
    let row = |m: &Mistake| {
        let wrong = if classes && m.truth != m.prediction { r#" class="wrong""# } else { "" };
        let mut row = format!(
            "<tr><td>{}</td><td>{}</td><td{wrong}>{}</td>",
            escape(&m.place).replace(", line ", ", line\u{a0}"),
            escape(&shorten(&m.truth, 60)),
            escape(&shorten(&m.prediction, 60))
        );
        if confident {
            let _ = write!(row, r#"<td class="r">{}</td>"#, m.confidence.map_or("–".into(), percent));
        }
        let _ = write!(row, r#"<td class="r">{}</td>"#, number(m.loss, 3));
        if inputs {
            row += r#"<td class="inputs">"#;
            for (name, value) in &m.inputs {
                let most = if value.split_whitespace().count() > SEVERAL_WORDS { TEXT } else { 40 };
                let value = if value.is_empty() { "–".into() } else { escape(&shorten(value, most)) };
                let _ = write!(row, "<span><b>{}</b> {value}</span> ", escape(&shorten(name, 40)));
            }
            if !m.words.is_empty() {
                let words = m.words.iter().map(|(word, pull)| {
                    let sign = if *pull > 0.0 { "+" } else { "" };
                    format!("{} {sign}{}", escape(&shorten(word, 40)), number(*pull, 2))
                });
                let _ = write!(row, "<span><b>pulled by</b> {}</span>", words.collect::<Vec<_>>().join(", "));
            }
            row += "</td>";
        }
        row + "</tr>"
    };
    folded(&head, &mistakes.iter().map(row).collect::<Vec<_>>(), "examples")
}

/// A contact sheet: each example's image with its caption.
fn sheet(mistakes: &[Mistake], classes: bool) -> String {
    let card = |m: &Mistake| {
        let picture = m
            .picture
            .as_deref()
            .map_or(String::new(), |png| format!(r#"<img alt="" src="data:image/png;base64,{}">"#, escape(png)));
        let sound = m.sound.as_deref().map_or(String::new(), |wav| {
            format!(r#"<audio controls preload="none" src="data:audio/wav;base64,{}"></audio>"#, escape(wav))
        });
        let wrong = if classes && m.truth != m.prediction { r#" class="wrong""# } else { "" };
        let confidence = m.confidence.map_or(String::new(), |p| format!(", {}", percent(p)));
        format!(
            "<figure>{picture}{sound}<figcaption>{} <span{wrong}>{}{confidence}</span><small>{}</small></figcaption></figure>",
            escape(&shorten(&m.truth, 40)),
            escape(&shorten(&m.prediction, 40)),
            escape(&m.place)
        )
    };
    let cards: String = mistakes.iter().map(card).collect();
    format!(
        r#"<p>Beneath each: what it is, what it was taken for, and how surely.</p><div class="sheet">{cards}</div>"#
    )
}

/// Cells of more words than this are texts, of which so many characters are shown.
const SEVERAL_WORDS: usize = 4;
const TEXT: usize = 240;

/// The words of a text that pull towards each answer.
pub(super) fn words(words: &Words) -> String {
    let row = |PullingWords { towards, words }: &PullingWords| {
        let each = words.iter().map(|PullingWord { word, pull, rows }| {
            let rows = plural(*rows, "row");
            format!(r#"<span title="in {rows}"><b>{}</b> +{}</span> "#, escape(&shorten(word, 40)), number(*pull, 2))
        });
        let each: String = each.collect();
        let each = if each.is_empty() { "–".into() } else { each };
        format!(r#"<tr><td>{}</td><td class="inputs">{each}</td></tr>"#, escape(&shorten(towards, 60)))
    };
    folded("<th>Towards</th><th>Words</th>", &words.towards.iter().map(row).collect::<Vec<_>>(), "answers")
}

/// The most frequent confusions.
pub(super) fn confusions(confusions: &[Confusion]) -> String {
    let row = |c: &Confusion| {
        format!(
            r#"<tr><td>{}</td><td>{}</td><td class="r">{}</td><td class="r">{}</td></tr>"#,
            escape(&shorten(c.truth, 40)),
            escape(&shorten(c.prediction, 40)),
            count(c.times),
            percent(c.times as f64 / c.of.max(1) as f64)
        )
    };
    let head = r#"<th>True</th><th>Taken for</th><th class="r">Times</th><th class="r">Of its class</th>"#;
    folded(head, &confusions.iter().take(60).map(row).collect::<Vec<_>>(), "confusions")
}

/// The network's layers with their total.
pub(crate) fn layers(layers: &[LayerRow], total: usize) -> String {
    let mut rows = String::new();
    for layer in layers {
        let shape: Vec<String> = layer.output.iter().map(|n| count(*n)).collect();
        let _ = write!(
            rows,
            r#"<tr><td>{}</td><td>{}</td><td class="r">{}</td><td class="r">{}</td></tr>"#,
            escape(&layer.name),
            escape(&layer.description),
            shape.join(" × "),
            count(layer.parameters)
        );
    }
    let head = r#"<th>Layer</th><th>What it is</th><th class="r">Output</th><th class="r">Parameters</th>"#;
    format!(
        r#"<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody><tfoot><tr><td colspan="3">Total</td><td class="r">{}</td></tr></tfoot></table></div>"#,
        count(total)
    )
}

/// The decisions made for the user, with the options that override them.
pub(crate) fn decisions(decisions: &[Decision]) -> String {
    let mut rows = String::new();
    for decision in decisions {
        let Decision { what, why, .. } = decision;
        let flag = decision.flag();
        let flag = if flag.is_empty() { flag } else { format!("<code>{}</code>", escape(&flag)) };
        let _ = write!(
            rows,
            r#"<tr><td class="wide">{}</td><td class="why wide">{}</td><td>{flag}</td></tr>"#,
            escape(what),
            escape(why)
        );
    }
    let head = "<th>Decision</th><th>Because</th><th>To decide otherwise</th>";
    format!(r#"<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"#)
}

/// The network beside simple models, by the headline metric and another.
pub(super) fn baselines(run: &Run, part: &str, network: &Metrics) -> String {
    let names = if run.task == Some(Task::Regression) { ["rmse", "r2"] } else { ["accuracy", "log_loss"] };
    let of = |baseline: &Baseline| -> Metrics {
        let Splits { dev, test, .. } = &baseline.metrics;
        if part == "dev" { dev.clone() } else { test.clone() }
    };
    let row = |name: &str, metrics: &Metrics| {
        let cell = |metric: Option<&Metric>, name| match metric {
            Some(Metric { value, low: Some(low), high: Some(high) }) => {
                let [value, low, high] = [value, low, high].map(|x| metric_value(name, *x));
                format!(r#"<td class="r">{value} <small>{low} to {high}</small></td>"#)
            }
            Some(metric) => format!(r#"<td class="r">{}</td>"#, metric_value(name, metric.value)),
            None => r#"<td class="r">–</td>"#.into(),
        };
        let cells: String = names.map(|name| cell(metrics.get(name), name)).concat();
        format!("<tr><td>{}</td>{cells}</tr>", escape(name))
    };
    let simple: String = run.baselines.iter().map(|baseline| row(&capital(&baseline.name), &of(baseline))).collect();
    let heads: String = names.map(|name| format!(r#"<th class="r">{}</th>"#, capital(metric_name(name)))).concat();
    format!(
        r#"<div class="scroll"><table><thead><tr><th>Model</th>{heads}</tr></thead><tbody>{simple}{}</tbody></table></div>"#,
        row("The network", network)
    )
}

/// How often intervals or sets hold the truth; `width` names what their mean width is in.
pub(super) fn coverage(coverage: &[Coverage], width: &str) -> String {
    let row = |each: &Coverage| {
        let Metric { value, low, high } = each.covered;
        format!(
            r#"<tr><td>{}</td><td class="r">{}</td><td class="r">{}</td><td class="r">{} to {}</td><td class="r">{}</td></tr>"#,
            escape(&shorten(&each.target, 40)),
            percent(each.level),
            percent(value),
            percent(low.unwrap_or(value)),
            percent(high.unwrap_or(value)),
            number(each.width, 4)
        )
    };
    let rows: String = coverage.iter().map(row).collect();
    let head = format!(
        r#"<th>Target</th><th class="r">Asked for</th><th class="r">Rows covered</th><th class="r">95 % interval</th><th class="r">{width}, mean</th>"#
    );
    format!(r#"<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"#)
}

/// The effect of each augmentation.
pub(super) fn ablations(ablations: &[Ablation]) -> String {
    let metric = ablations.first().map_or("", |ablation| ablation.metric.as_str());
    let row = |a: &Ablation| {
        let [all, value] = [a.all, a.value].map(|x| metric_value(metric, x));
        let better = if metrics::higher_is_better(metric) { a.all - a.value } else { a.value - a.all };
        let words = if better > 0.0 {
            "helps"
        } else if better < 0.0 {
            "harms"
        } else {
            "no difference"
        };
        format!(
            r#"<tr><td>{}</td><td class="r">{all}</td><td class="r">{value}</td><td>{words}</td></tr>"#,
            escape(&a.without.replace('_', "-"))
        )
    };
    let head = format!(
        r#"<th>Change</th><th class="r">Dev {} with it</th><th class="r">without it</th><th>It</th>"#,
        escape(metric_name(metric))
    );
    let rows: String = ablations.iter().map(row).collect();
    format!(r#"<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"#)
}

pub(crate) fn folded(head: &str, rows: &[String], things: &str) -> String {
    let table = |rows: &[String]| {
        format!(
            r#"<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{}</tbody></table></div>"#,
            rows.concat()
        )
    };
    if rows.len() <= SHOWN + 3 {
        return table(rows);
    }
    let (first, rest) = rows.split_at(SHOWN);
    format!("{}<details><summary>{} more {things}</summary>{}</details>", table(first), rest.len(), table(rest))
}
