//! The page: sections in the order of a reader's questions.

use std::fmt::Write;

use super::chart::Drawing;
use super::text::{capital, count, duration, escape, metric_name, metric_value, number, percent, plural, shorten};
use super::{answers, curves, explanation, forecast, operating, scales, tables, theme};
use crate::data::schema::Task;
use crate::event::{Mistake, SplitPredictions};
use crate::event::{Run, RunEnd};
use crate::findings::Finding;
use crate::metrics::{Metric, Metrics};

/// Nothing is loaded and no script runs; styles are inline.
const POLICY: &str = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A section of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name in code: `learning-curves`.
    pub id: &'static str,
    /// Its HTML, with its heading; what comes from the data is escaped.
    pub html: String,
}

/// The sections with something to show.
pub(super) fn sections(run: &Run) -> Vec<Section> {
    let all = [
        ("metrics", tiles(run)),
        ("forecast", forecasts(run)),
        ("learning-curves", training(run)),
        ("baselines", baselines(run)),
        ("results", results(run)),
        ("calibration", calibration(run)),
        ("intervals", intervals(run)),
        ("thresholds", operating(run)),
        ("mistakes", mistakes(run)),
        ("unsure", unsure(run)),
        ("columns", columns(run)),
        ("network", network(run)),
        ("signals", signals(run)),
        ("augmentation", augmentation(run)),
        ("findings", findings(run)),
        ("decisions", decisions(run)),
        ("warnings", warnings(run)),
        ("learning-rate", learning_rate(run)),
        ("repeat", repeat(run)),
    ];
    // The examples of a forecast are relative to the values before: they say little to a reader.
    let of_examples = ["metrics", "results", "intervals", "mistakes"];
    let left_out = |id: &str| run.forecast.is_some() && of_examples.contains(&id);
    let shown = all.into_iter().filter(|(id, html)| !html.is_empty() && !left_out(id));
    shown.map(|(id, html)| Section { id, html }).collect()
}

/// The complete page.
pub(super) fn page(run: &Run) -> String {
    let sections: String = sections(run).into_iter().map(|section| section.html).collect();
    let name = if run.name.is_empty() { "a run" } else { &run.name };
    let source = format!("Written by Thalweg {} from the run’s event log.", escape(&run.thalweg));
    document(name, &answer(run), &header(run, name), &sections, &source)
}

/// A page that loads no resources and runs no scripts.
pub(crate) fn document(title: &str, description: &str, header: &str, sections: &str, source: &str) -> String {
    format!(
        concat!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">",
            "<meta name=\"referrer\" content=\"no-referrer\">",
            "<title>{title} · Thalweg</title><meta name=\"description\" content=\"{description}\">",
            "<style>\n{css}</style></head>\n<body>{header}<main>{sections}</main>",
            "<footer>{source} This page loads nothing and runs no script.</footer>",
            "</body></html>\n"
        ),
        policy = POLICY,
        title = escape(title),
        description = escape(description),
        css = theme::page_css(),
        header = header,
        sections = sections,
        source = source,
    )
}

/// `Test accuracy 97.2 % on 360 rows; best epoch 41 of 61; 1,234 parameters; 2.1 s.`
fn answer(run: &Run) -> String {
    format!("{}; {}.", claim(run), circumstances(run).join("; "))
}

/// The result of the run, in a few words.
fn claim(run: &Run) -> String {
    if let Some((scores, network)) =
        run.forecast.as_ref().and_then(|scores| Some((scores, scores.forecasters.first()?)))
    {
        return format!(
            "{} RMSE {} over {} ahead, MASE {}",
            capital(&scores.part),
            number(network.all.rmse, 4),
            plural(network.steps.len(), "step"),
            number(network.all.mase, 3)
        );
    }
    if let Some((part, rows, metrics)) = run.parts().last()
        && let Some((name, metric)) = run.headline(metrics)
    {
        let (part, value) = (capital(part), metric_value(name, metric.value));
        return format!("{part} {} {value} on {}", metric_name(name), plural(*rows, "row"));
    }
    match (run.diverged(), run.epochs.len(), run.planned) {
        (Some(epoch), ..) => format!("Training diverged in epoch {}", count(epoch)),
        (None, 0, _) => "No epoch has ended yet".into(),
        (None, done, planned) => format!("Stopped after {} of {}", count(done), plural(planned, "epoch")),
    }
}

fn circumstances(run: &Run) -> Vec<String> {
    let best = run.best_epoch().map(|best| match run.epochs.len() {
        0 => format!("best epoch {}", count(best)),
        n => format!("best epoch {} of {}", count(best), count(n)),
    });
    let mut words: Vec<String> = best.into_iter().collect();
    words.push(plural(run.parameters, "parameter"));
    words.push(duration(run.seconds()));
    words
}

fn header(run: &Run, name: &str) -> String {
    let mut lead = circumstances(run).join(" · ");
    lead = capital(&lead);
    if !run.warnings.is_empty() {
        let _ = write!(lead, r##" · <a href="#warnings">{}</a>"##, plural(run.warnings.len(), "warning"));
    }
    let mut trouble = String::new();
    if let Some(epoch) = run.diverged() {
        let _ = write!(
            trouble,
            r#"<p class="lead bad">{}</p>"#,
            marked(&format!(
                "The cost stopped being a finite number in epoch {}. A lower --learning-rate or --clip-norm 1 usually \
                 mends it.",
                count(epoch)
            ))
        );
    } else if run.interrupted() {
        let left = run.planned.saturating_sub(run.epochs.len());
        let _ = write!(
            trouble,
            r#"<p class="lead bad">The run stopped with {} left; <code>thalweg resume</code> goes on from its last checkpoint.</p>"#,
            plural(left, "epoch")
        );
    }
    let task = run.task.map_or(String::new(), |task| task_words(task, run));
    let mut about = String::new();
    let mut fact = |name: &str, value: String| {
        let _ = write!(about, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    fact("Data", escape(&run.data));
    fact("Task", escape(&task));
    fact("Rows", split(run));
    if let Some(end) = &run.end {
        fact("Ended because", escape(&end.reason));
    }
    format!(
        r#"<header><p class="eyebrow">Thalweg report · {}</p><h1>{}</h1><p class="lead">{lead}</p>{trouble}<dl class="about">{about}</dl></header>"#,
        escape(name),
        escape(&claim(run))
    )
}

fn task_words(task: Task, run: &Run) -> String {
    if let Some(scores) = &run.forecast {
        let steps = scores.forecasters.first().map_or(0, |network| network.steps.len());
        return format!(
            "Forecast of {}, {} of one {}",
            shorten(&scores.target, 60),
            plural(steps, "step"),
            scores.step
        );
    }
    let targets = shorten(&run.targets.join(", "), 60);
    match task {
        Task::Regression => format!("Regression of {targets}"),
        Task::Binary => format!("{targets}: {}", shorten(&run.classes.join(" or "), 60)),
        Task::Multiclass => format!("{targets}: one of {} classes", count(run.classes.len())),
        Task::Multilabel => format!("{targets}: any of {} labels", count(run.classes.len())),
    }
}

fn split(run: &Run) -> String {
    let rows = run.examples;
    let parts = [("train", rows.train), ("dev", rows.dev), ("test", rows.test)];
    let (mut bar, mut keys) = (String::new(), String::new());
    for (part, rows) in parts.into_iter().filter(|(_, rows)| *rows > 0) {
        let _ = write!(bar, r#"<i class="{part}" style="flex:{rows}"></i>"#);
        let _ = write!(keys, r#"<span><i class="dot-key {part}"></i>{part} {}</span>"#, count(rows));
    }
    format!(r#"<div class="split" aria-hidden="true">{bar}</div><div class="keys">{keys}</div>"#)
}

/// One tile per split: its headline metric large, the others below.
fn tiles(run: &Run) -> String {
    let mut tiles = String::new();
    for (part, rows, metrics) in run.parts() {
        let Some((name, metric)) = run.headline(metrics) else { continue };
        let _ = write!(
            tiles,
            r#"<div class="tile {part}"><h2>{} <span>{}</span></h2><p class="value">{}</p><p class="of">{}{}</p>{}</div>"#,
            capital(part),
            plural(rows, "row"),
            metric_value(name, metric.value),
            escape(&capital(metric_name(name))),
            interval(name, metric),
            other_metrics(metrics, name)
        );
    }
    if tiles.is_empty() { tiles } else { format!(r#"<div class="tiles">{tiles}</div>"#) }
}

fn interval(name: &str, metric: Metric) -> String {
    match (metric.low, metric.high) {
        (Some(low), Some(high)) => {
            let (low, high) = (metric_value(name, low), metric_value(name, high));
            format!("<br><span>95\u{a0}% interval {low} to {high}</span>")
        }
        _ => String::new(),
    }
}

fn other_metrics(metrics: &Metrics, headline: &str) -> String {
    let mut rows = String::new();
    for (name, metric) in metrics.iter().filter(|(name, _)| *name != headline) {
        let (words, value) = (capital(&escape(metric_name(name))), metric_value(name, metric.value));
        let _ = write!(rows, "<div><dt>{words}</dt><dd>{value}</dd></div>");
    }
    if rows.is_empty() { rows } else { format!("<dl>{rows}</dl>") }
}

fn training(run: &Run) -> String {
    let figures = cards([curves::losses(run), curves::metric(run)]);
    if figures.is_empty() {
        return String::new();
    }
    let dev = if run.examples.dev > 0 {
        "The train cost is what was minimised, measured while training, with any dropout and L2 term; the dev loss is \
         measured without them, so it may lie lower. Where dev turns up while train goes on down, the network begins \
         to learn its training rows by heart."
    } else {
        "There is no dev part, so nothing here tells whether the network also does well on rows it has not seen."
    };
    section("Learning curves", dev, &figures)
}

fn results(run: &Run) -> String {
    let Some(end) = &run.end else { return String::new() };
    let part = &end.answers.part;
    if let Some(matrix) = answers::matrix(run, end) {
        let note = format!(
            "A row is a true class of the {part} part, a column what the model said. Blue is right, orange wrong; the \
             darker, the larger the share of the row."
        );
        return section("Right and wrong by class", &escape(&note), &cards([Some(matrix)]));
    }
    if let Some(bars) = answers::hardest(run, end) {
        let confusions = answers::confusions(run, end);
        let worst = if confusions.is_empty() {
            "<p>No example was mistaken.</p>".into()
        } else {
            tables::confusions(&confusions)
        };
        let body = format!(
            r#"<div class="pair">{}<div class="card"><h3>Commonest confusions</h3>{worst}</div></div>"#,
            card(&bars)
        );
        let note = format!("There are {} classes, so the hardest of them are shown.", count(run.classes.len()));
        return section("Right and wrong by class", &note, &body);
    }
    let figures = cards([answers::predicted(run, end), answers::residuals(run, end)]);
    if figures.is_empty() {
        return String::new();
    }
    let note = "Points on the dashed line are exact. Residuals should scatter evenly about 0: a bend or a fan tells of \
                something the network has not learned.";
    section("Predictions and residuals", note, &figures)
}

/// Forecasts beside what came true, and beside simple ones.
fn forecasts(run: &Run) -> String {
    let Some(scores) = &run.forecast else { return String::new() };
    let band = match scores.covered.first() {
        Some(covered) => format!(
            " The band is to hold {} of what comes true, by how far forecasts were off on dev; it held {} here.",
            percent(scores.level),
            percent(*covered)
        ),
        None => String::new(),
    };
    let note = format!(
        "Forecasts from each of {} of the {} part, made from the steps before alone. Beside them: the last value of \
         the same season ({}), a line through the first and the last value, and the mean. MASE is the error in units of \
         the seasonal naive one on the training steps.{band}",
        plural(scores.origins, "step"),
        escape(&scores.part),
        plural(scores.season, "step")
    );
    let table = format!(r#"<div class="card">{}</div>"#, forecast::table(scores));
    let figures = cards(forecast::pictures(scores).into_iter().map(Some));
    section("Forecasts", &note, &format!("{figures}{table}"))
}

fn baselines(run: &Run) -> String {
    let Some((part, _, metrics)) = run.parts().pop().filter(|_| !run.baselines.is_empty()) else {
        return String::new();
    };
    let note = format!(
        "What predicts the same for every row, and what has no hidden layers, on the same {part} rows. A network that is \
         no better has learned nothing beyond them."
    );
    section(
        "Beside simple models",
        &note,
        &format!(r#"<div class="card">{}</div>"#, tables::baselines(run, part, metrics)),
    )
}

fn calibration(run: &Run) -> String {
    let Some(drawing) = run.end.as_ref().and_then(|end| answers::calibration(run, end)) else { return String::new() };
    let note = "Of what is predicted with a probability of 0.8, four in five should come true: points on the dashed line. \
                Below it probabilities are too high, above it too low. The bars are how many \
                predictions a point stands for, the lines their 95\u{a0}% intervals.";
    section("Calibration", note, &card(&drawing))
}

/// Whether the intervals or sets hold what they promise.
fn intervals(run: &Run) -> String {
    let Some(RunEnd { answers, .. }) = &run.end else { return String::new() };
    if answers.coverage.is_empty() {
        return String::new();
    }
    let of_classes = run.task != Some(Task::Regression);
    let note = "They follow from how far predictions were off on the dev part, which chose the epoch as well and so \
                flatters the network a little: whether they hold is measured here, on rows that chose nothing. \
                --intervals 0.9 of thalweg predict writes them.";
    let title = if of_classes { "Prediction sets" } else { "Prediction intervals" };
    let table = tables::coverage(&answers.coverage, if of_classes { "Classes" } else { "Width" });
    section(title, &marked(note), &format!(r#"<div class="card">{table}</div>"#))
}

fn operating(run: &Run) -> String {
    let Some(end) = &run.end else { return String::new() };
    let figures = cards([operating::precision_recall(run, end), operating::by_threshold(run, end)]);
    if figures.is_empty() {
        return String::new();
    }
    let note = format!(
        "What is found and what is taken for it by mistake, at every threshold, on the {} part. A lower threshold finds \
         more, and is mistaken more often; --threshold f1 or --threshold cost:FN=5,FP=1 chooses one on dev.",
        end.answers.part
    );
    section("At other thresholds", &marked(&note), &figures)
}

fn mistakes(run: &Run) -> String {
    let note = "with the highest loss. Wrong labels and odd rows show up here first.";
    examples(run, "Most wrong", note, |answers| &answers.mistakes)
}

fn unsure(run: &Run) -> String {
    let note =
        "between whose classes the model can hardly choose. More of their like in the training part would help most.";
    examples(run, "Least sure", note, |answers| &answers.unsure)
}

/// Examples worth inspecting, if any.
fn examples(run: &Run, title: &str, note: &str, which: fn(&SplitPredictions) -> &[Mistake]) -> String {
    let Some(RunEnd { answers, .. }) = &run.end else { return String::new() };
    let examples = which(answers);
    if examples.is_empty() {
        return String::new();
    }
    let note = format!("The examples of the {} part {note}", escape(&answers.part));
    section(title, &note, &format!(r#"<div class="card">{}</div>"#, tables::mistakes(run, examples)))
}

fn columns(run: &Run) -> String {
    let mut sections = String::new();
    if let (Some(importance), Some(figure)) = (&run.importance, explanation::importance(run)) {
        sections += &section("Columns that matter", &explanation::note(importance), &card(&figure));
    }
    for words in &run.words {
        let note = format!(
            "How much the answer changes, on average, where a word of {} is left out with its pairs and parts, over those of \
             {} that have it; only words in three of them or more. Words that come together share what they tell.",
            words.column,
            plural(words.rows, "row")
        );
        let title = format!("Words that pull: {}", words.column);
        sections +=
            &section(&escape(&title), &escape(&note), &format!(r#"<div class="card">{}</div>"#, tables::words(words)));
    }
    let figures = cards(explanation::dependences(run).into_iter().map(Some));
    if !figures.is_empty() {
        let note = "The model’s answer where a column has each of its values and all else stays as it is in rows of the \
                    train part: the mean (Friedman 2001), and faintly some rows’ own answers (Goldstein et al. 2015). Where \
                    these are not parallel, the column’s effect depends on other columns. Ticks mark the deciles of the \
                    rows: beyond them, and where columns hang together, answers are guesses. This is what the model does, and \
                    not what would happen if somebody changed the column.";
        sections += &section("How answers change", note, &figures);
    }
    sections
}

fn network(run: &Run) -> String {
    if run.layers.is_empty() {
        return String::new();
    }
    let note = format!("{} in, {} to learn.", plural(run.features, "column"), plural(run.parameters, "number"));
    section("Network", &note, &format!(r#"<div class="card">{}</div>"#, tables::layers(&run.layers, run.parameters)))
}

fn signals(run: &Run) -> String {
    let figures = cards([scales::activations(run), scales::gradients(run)]);
    if figures.is_empty() {
        return String::new();
    }
    let note = "One line a layer, on a log scale. In a healthy network the lines run within a few powers of ten of one \
                another and stay level; lines that fan out by a constant factor from layer to layer are activations \
                or gradients that vanish (×0.5 a layer) or explode (×1.5 a layer). Gradients may sink together as the \
                network fits.";
    let found = scales::findings(run);
    let flags = if found.is_empty() { String::new() } else { list(&found) };
    section("Signals in the network", note, &(flags + &figures))
}

fn augmentation(run: &Run) -> String {
    if run.ablations.is_empty() {
        return String::new();
    }
    let note = "The network was trained again without each of the changes in turn, with the same seed. Differences of the \
                size of the interval above are chance.";
    section(
        "What augmentation brought",
        note,
        &format!(r#"<div class="card">{}</div>"#, tables::ablations(&run.ablations)),
    )
}

fn decisions(run: &Run) -> String {
    if run.decisions.is_empty() {
        return String::new();
    }
    let body = format!(r#"<div class="card">{}</div>"#, tables::decisions(&run.decisions));
    section("Decided for you", "What was left open was chosen as follows; the flag chooses otherwise.", &body)
}

/// What the doctor finds in these events, with what to do about it.
fn findings(run: &Run) -> String {
    let found = crate::findings::of(run, None);
    if found.is_empty() {
        return String::new();
    }
    let entry = |finding: &Finding| {
        let Finding { code, severity, what, evidence, prescription, because } = finding;
        let command = prescription.command(&run.command).filter(|_| !run.command.is_empty());
        let command = command.map_or(String::new(), |command| format!("<pre>{}</pre>", escape(&command)));
        let because = because.map_or(String::new(), |cause| format!(" It probably follows from {cause}."));
        format!(
            r#"<h3>{}</h3><p><code>{code}</code> ({severity}): {}.{because}</p><p>{}. Expected: {}.</p>{command}"#,
            escape(&capital(what)),
            escape(evidence),
            marked(&capital(&prescription.advice.to_string())),
            escape(&prescription.expected),
        )
    };
    let entries: String = found.iter().map(entry).collect();
    let note = "What the events show to be wrong, causes first. thalweg doctor looks at the data, too.";
    section("Findings", note, &format!(r#"<div class="card">{entries}</div>"#))
}

fn warnings(run: &Run) -> String {
    if run.warnings.is_empty() {
        return String::new();
    }
    format!(r#"<section id="warnings"><h2>Warnings</h2>{}</section>"#, list(&run.warnings))
}

fn learning_rate(run: &Run) -> String {
    let Some(drawing) = curves::learning_rate(run) else { return String::new() };
    let rates = || run.epochs.iter().map(|epoch| epoch.learning_rate);
    let first = rates().next().unwrap_or(f64::NAN);
    if rates().all(|rate| rate == first) {
        let words = format!("It stayed at {first} throughout.");
        return section("Learning rate", &words, "");
    }
    section("Learning rate", "", &card(&drawing))
}

fn repeat(run: &Run) -> String {
    if run.command.is_empty() && run.facts.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    if !run.command.is_empty() {
        let _ = write!(body, "<pre>{}</pre>", escape(&run.command));
    }
    if !run.facts.is_empty() {
        body += r#"<dl class="facts">"#;
        for (name, value) in &run.facts {
            let _ = write!(body, "<div><dt>{}</dt><dd>{}</dd></div>", escape(&capital(name)), escape(value));
        }
        body += "</dl>";
    }
    section("To repeat this run", "", &format!(r#"<div class="card">{body}</div>"#))
}

pub(crate) fn section(title: &str, note: &str, body: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!(r#"<p class="note">{note}</p>"#) };
    format!("<section><h2>{title}</h2>{note}{body}</section>")
}

pub(crate) fn list(lines: &[String]) -> String {
    let items: String = lines.iter().map(|line| format!("<li>{}</li>", marked(line))).collect();
    format!(r#"<ul class="warnings">{items}</ul>"#)
}

/// Text with its flags (`--batch-norm`) marked up, so that none is broken across lines.
fn marked(text: &str) -> String {
    let word = |word: &str| {
        let flag = word.trim_end_matches([',', '.', ':', ';', ')']);
        match flag.starts_with("--") {
            true => format!("<code>{}</code>{}", escape(flag), escape(&word[flag.len()..])),
            false => escape(word),
        }
    };
    let lines = text.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("<br>")
}

pub(crate) fn card(drawing: &Drawing) -> String {
    format!(
        r#"<figure class="card"><figcaption>{}</figcaption><div class="figure-scroll">{}</div></figure>"#,
        escape(&drawing.caption.title),
        drawing.inline()
    )
}

/// Figures side by side where two fit.
fn cards(drawings: impl IntoIterator<Item = Option<Drawing>>) -> String {
    let cards: Vec<String> = drawings.into_iter().flatten().map(|drawing| card(&drawing)).collect();
    match cards.len() {
        0 => String::new(),
        1 => cards.concat(),
        _ => format!(r#"<div class="pair">{}</div>"#, cards.concat()),
    }
}
