//! The command line: verbs, and flags generated from the list of options.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use thalweg::config::{Arity, Config, OptionSpec, ValueKind, option_specs};
use thalweg::task::Task;
use thalweg::tune::learning_rate::RangeTest;

const EXAMPLES: &str = "\
Examples:
  thalweg train sample:digits
  thalweg train houses.csv --target price
  thalweg tune houses.csv --target price --trials 60
  thalweg predict runs/houses-1 new.csv -o answers.csv
  thalweg export runs/houses-1 -o houses.onnx
  thalweg check sample:iris --layers 8 --activation tanh";

/// The ids of `train`'s --folds and --seeds: options of the search have these names, and mean its trials.
pub(crate) const FOLDS: &str = "folds of runs";
pub(crate) const SEEDS: &str = "seeds of runs";

/// The complete command line.
pub(crate) fn command() -> Command {
    Command::new("thalweg")
        .version(env!("CARGO_PKG_VERSION"))
        .about("From a table to a checked, trained network")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            with_options(verb("train", "Train a network on data").arg(data(false)))
                .args([
                    Arg::new("dry-run").long("dry-run").action(ArgAction::SetTrue).help("Only tell what would be done"),
                    several(
                        FOLDS,
                        "folds",
                        "Train as many runs, each with another fold as its test part; --stratify, --group, --time and \
                     --gap say how rows are divided",
                    )
                    .conflicts_with_all([SEEDS, "dry-run"]),
                    several(SEEDS, "seeds", "Train as many runs on the same rows, each with another seed")
                        .conflicts_with("dry-run"),
                ])
                .args(live_page()),
            verb("resume", "Go on with a run (or several runs) that was stopped").arg(run()),
            with_options(
                verb("suspects", "Find suspicious labels, rows and columns of data").arg(
                    Arg::new("data")
                        .value_name("FOLDER|DATA")
                        .help("The folder of runs on folds, as train --folds writes it, or data to train them on"),
                ),
            )
            .arg(several(FOLDS, "folds", "Folds that are trained, where data is named [default: 5]")),
            doctor(),
            verb("evaluate", "Measure a model on data whose answers are known")
                .arg(model())
                .arg(data(true))
                .arg(
                    Arg::new("report")
                        .long("report")
                        .value_name("FILE")
                        .help("Also write a page that shows where the model goes wrong"),
                )
                .arg(
                    Arg::new("importance")
                        .long("importance")
                        .action(ArgAction::SetTrue)
                        .help("Also measure how much the loss grows where a column's values are shuffled"),
                )
                .arg(
                    Arg::new("dependence")
                        .long("dependence")
                        .value_name("COLUMN")
                        .action(ArgAction::Append)
                        .help("Also show the mean answer along a column's values; may be repeated"),
                )
                .arg(Arg::new("gate").long("gate").value_name("METRIC>=X").action(ArgAction::Append).help(
                    "A bound to keep, else the exit code is 4: accuracy>=0.9, log_loss<0.3, or an end of the 95 % \
                     interval, accuracy.low>=0.88 (repeatable)",
                ))
                .args([
                    threshold(),
                    intervals("Also measure how often intervals (or sets of classes) of this level hold"),
                ])
                .arg(precision())
                .args(reading(&["seed"]))
                .args(reading(&READING)),
            compare(),
            card(),
            verb("predict", "Answer the rows of a table")
                .arg(model())
                .arg(data(true))
                .arg(out("Write the answers to a file"))
                .arg(
                    Arg::new("format")
                        .long("format")
                        .value_parser(["csv", "jsonl"])
                        .default_value("csv")
                        .help("How the answers are written"),
                )
                .arg(
                    Arg::new("explain")
                        .long("explain")
                        .action(ArgAction::SetTrue)
                        .help("Add what each column contributes to the answer, as Shapley values"),
                )
                .arg(
                    Arg::new("background")
                        .long("background")
                        .value_name("DATA")
                        .requires("explain")
                        .help("Rows that answers are explained in comparison with [default: the first of the data]"),
                )
                .arg(
                    Arg::new("permutations")
                        .long("permutations")
                        .value_name("N")
                        .requires("explain")
                        .value_parser(clap::value_parser!(usize))
                        .help(
                            "Orders of columns sampled to explain a row; more take longer and err less [default: 200]",
                        ),
                )
                .arg(
                    Arg::new("explain-time")
                        .long("explain-time")
                        .value_name("SECONDS")
                        .requires("explain")
                        .conflicts_with("permutations")
                        .value_parser(clap::value_parser!(f64))
                        .help("Sample as many orders as fit into this time for all rows; how many is then a column"),
                )
                .args([
                    threshold(),
                    intervals("Also write intervals (or sets of classes) that hold the truth for this share of rows"),
                ])
                .arg(precision())
                .args(reading(&["seed"]))
                .args(reading(&READING)),
            verb("embed", "Write what a model's last layer is given of each row")
                .arg(model())
                .arg(data(true))
                .arg(out("Write to a file: .csv, .npy or .parquet [default: CSV to standard output]"))
                .args(reading(&["seed"]))
                .args(reading(&READING)),
            export(),
            import(),
            tune(),
            lr_find(),
            with_options(verb("check", "Check the gradients of a network on its data").arg(data(false)))
                .arg(
                    Arg::new("after-steps")
                        .long("after-steps")
                        .value_parser(clap::value_parser!(usize))
                        .default_value("20")
                        .help("Check once more after this many steps of training (0: only at initialisation)"),
                )
                .arg(
                    Arg::new("epsilon-check")
                        .long("epsilon-check")
                        .value_parser(clap::value_parser!(f64))
                        .default_value("1e-6")
                        .help("The ε of the two-sided differences"),
                ),
            with_options(verb("augment", "Show training images beside what becomes of them").arg(data(false))).arg(
                Arg::new("preview")
                    .long("preview")
                    .value_name("FILE")
                    .default_value("augmented.png")
                    .help("The picture to write"),
            ),
            verb("inspect", "Look at a data file or a model")
                .arg(
                    Arg::new("data")
                        .value_name("DATA|MODEL")
                        .required(true)
                        .help("A data file, model file or run folder"),
                )
                .args(reading(&READING))
                .args(reading(&INFERRED)),
            with_options(verb("config", "Show the whole configuration with every default").arg(data(false)))
                .arg(Arg::new("schema").long("schema").action(ArgAction::SetTrue).help("Show its JSON schema instead")),
            completions(),
            Command::new("man").about("Print the manual page").hide(true),
            verb("report", "Write a run's report again")
                .arg(run())
                .arg(out("Where the page goes (default: report.html in the run's folder)"))
                .arg(
                    Arg::new("figures")
                        .long("figures")
                        .value_name("DIR")
                        .help("Also write the figures, as SVG and PNG"),
                ),
        ])
        .subcommands(ui())
}

/// `train --ui`.
fn live_page() -> Option<Arg> {
    let flag = Arg::new("ui").long("ui").action(ArgAction::SetTrue).conflicts_with("dry-run");
    cfg!(feature = "ui").then(|| flag.help("Show the training on a page in the browser, which stays until Ctrl-C"))
}

/// `ui`, where it is built in.
fn ui() -> Option<Command> {
    let command = verb("ui", "Show runs on a page in the browser: as they train, side by side, and to try out")
        .arg(
            Arg::new("runs")
                .value_name("RUNS")
                .default_value("runs")
                .help("The folder that has the runs, or one of them"),
        )
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("ADDRESS")
                .value_parser(clap::value_parser!(std::net::IpAddr))
                .help("Where to serve [default: 127.0.0.1]; 0.0.0.0 lets other machines in, with the token of the address"),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_parser(clap::value_parser!(u16))
                .help("The port [default: 8765, or another one that is free]"),
        );
    cfg!(feature = "ui").then_some(command)
}

/// `doctor`, of a run, or of data before training.
fn doctor() -> Command {
    let number = |name: &'static str| Arg::new(name).long(name).value_parser(clap::value_parser!(f64));
    with_options(
        verb("doctor", "Find what is wrong with a run, or with data and a configuration before training")
            .arg(Arg::new("data").value_name("RUN|DATA").help("A run's folder, or data to be trained on")),
    )
    .args([
        number("human-level")
            .value_name("X")
            .help("The error of people at the task, from 0 to 1 (of numbers 1 - R²): the bias beyond it is avoidable"),
        Arg::new("fix")
            .long("fix")
            .value_name("CODE")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("")
            .help("Write the configuration with what is prescribed, for all findings or for one by its code"),
        Arg::new("run")
            .long("run")
            .action(ArgAction::SetTrue)
            .requires("fix")
            .help("Also train it, and show the metrics before and after"),
    ])
}

/// `completions`, for each shell.
fn completions() -> Command {
    Command::new("completions").about("Print a script that completes commands in a shell").arg(
        Arg::new("shell")
            .value_name("SHELL")
            .required(true)
            .value_parser(clap::value_parser!(clap_complete::Shell))
            .help("The shell that is to read it"),
    )
}

/// Several runs instead of one.
fn several(id: &'static str, flag: &'static str, help: &'static str) -> Arg {
    let parser = clap::value_parser!(usize);
    Arg::new(id).long(flag).value_name("N").value_parser(parser).help_heading("Several runs").help(help)
}

/// `compare`, of two models.
fn compare() -> Command {
    let contender = |name: &'static str, value_name: &'static str| {
        Arg::new(name).value_name(value_name).required(true).help("A model file, or a run's folder")
    };
    verb("compare", "Compare two models on the same rows: is the difference chance?")
        .arg(contender("a", "A"))
        .arg(contender("b", "B"))
        .arg(
            Arg::new("data")
                .value_name("DATA")
                .help("Data whose answers are known [default: the test rows that both runs have]"),
        )
        .arg(precision())
        .args(reading(&["seed"]))
        .args(reading(&READING).into_iter().map(|option| option.requires("data")))
}

/// `card`, of a run or a model.
fn card() -> Command {
    verb("card", "Write a model card: what a model is, how good it is, and what limits it")
        .arg(model())
        .arg(out("Write it to a file, in Markdown"))
}

/// `export`, with a subcommand for every format.
fn export() -> Command {
    let formats = thalweg::export::ALL;
    let names: Vec<&str> = formats.iter().map(|format| format.name).collect();
    let each: Vec<String> =
        formats.iter().map(|format| format!("  {} (.{}): {}", format.name, format.extension, format.meaning)).collect();
    verb("export", "Write a model in the format of others")
        .arg(model())
        .arg(out("The file to write; its extension says the format").required(true))
        .arg(Arg::new("to").long("to").value_name("FORMAT").help(format!("The format [{}]", names.join(", "))))
        .arg(
            Arg::new("precision")
                .long("precision")
                .value_parser(thalweg::export::Precision::NAMES)
                .default_value("f32")
                .help("The bits of weights in an ONNX graph"),
        )
        .arg(
            Arg::new("calibrate")
                .long("calibrate")
                .value_name("DATA")
                .help("Data whose answers are known, on which what fewer bits cost is measured"),
        )
        .arg(
            intervals("Also answer with intervals (or sets of classes) that hold the truth for this share of rows")
                .help_heading(None),
        )
        .after_help(format!("Formats:\n{}", each.join("\n")))
}

/// `import`, with a subcommand for every format.
fn import() -> Command {
    verb("import", "Make a model from a file in the format of others")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .help("An ONNX graph, or a safetensors file of PyTorch's parameters"),
        )
        .arg(out("The model file to write").required(true))
        .arg(
            Arg::new("like").long("like").value_name("MODEL").help("A model whose network, columns and answers it has"),
        )
        .arg(
            Arg::new("map")
                .long("map")
                .value_name("MODULE=LAYER,…")
                .help("Where the file's tensors go, such as fc1=layers.0 [default: by name, else by shape and order]"),
        )
        .arg(
            Arg::new("task").long("task").value_parser(Task::ALL.map(Task::name)).help(
                "What a graph's outputs are the logits of [default: as its softmax or sigmoid says, else numbers]",
            ),
        )
}

/// `tune` with its own verbs.
fn tune() -> Command {
    let study =
        || Arg::new("file").value_name("STUDY").required(true).help("A study's file, as thalweg tune writes it");
    with_flags(verb("tune", "Search for options that make a better model").arg(data(false)), |_| true)
        .args_conflicts_with_subcommands(true)
        .subcommand(
            verb("show", "Show what a study has found")
                .arg(study())
                .arg(out("Write a page of it"))
                .arg(Arg::new("figures").long("figures").value_name("DIR").help("Write its figures, as SVG and PNG")),
        )
        .subcommand(
            verb("export", "Write a study's trials as a table").arg(study()).arg(out("Write to a file")).arg(
                Arg::new("format")
                    .long("format")
                    .value_parser(["csv", "jsonl"])
                    .default_value("csv")
                    .help("How they are written"),
            ),
        )
}

/// `lr-find`: the training flags, and the range.
fn lr_find() -> Command {
    let usual = RangeTest::default();
    let number = |name: &'static str, default: f64, help: &'static str| {
        let parser = clap::value_parser!(f64);
        Arg::new(name).long(name).value_name("X").value_parser(parser).default_value(default.to_string()).help(help)
    };
    let count = |name: &'static str, default: usize, help: &'static str| {
        let parser = clap::value_parser!(usize);
        Arg::new(name).long(name).value_name("N").value_parser(parser).default_value(default.to_string()).help(help)
    };
    with_options(verb("lr-find", "Find the learning rate at which the cost falls fastest").arg(data(false))).args([
        number("lowest", usual.low, "The first rate"),
        number("highest", usual.high, "The last rate"),
        count("steps", usual.steps, "Steps from one to the other"),
        count("seeds", usual.seeds, "Trainings, each with a seed of its own"),
        Arg::new("picture").long("picture").value_name("FILE").help("Draw the costs, as SVG or PNG"),
    ])
}

fn verb(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).args([
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("Print one JSON object at the end, and nothing else"),
        Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue).help("Show no progress"),
        Arg::new("verbose").short('v').long("verbose").action(ArgAction::SetTrue).help("Show every epoch"),
    ])
}

fn data(required: bool) -> Arg {
    Arg::new("data").value_name("DATA").required(required).help(
        "A CSV or TSV file, a folder of pictures or sounds, IDX or NPY files, `-` for standard input, or sample:NAME",
    )
}

fn model() -> Arg {
    Arg::new("model").value_name("MODEL").required(true).help("A model file, or a run's folder")
}

fn run() -> Arg {
    Arg::new("run").value_name("RUN").required(true).help("A run's folder")
}

fn out(help: &'static str) -> Arg {
    Arg::new("out").short('o').long("out").value_name("FILE").help(help)
}

/// The training flag for the precision, for predicting with a model.
fn precision() -> Arg {
    let option =
        option_specs().iter().find(|option| option.key() == "train.precision").expect("training has a precision");
    flag(option).help_heading("Prediction")
}

/// Another threshold than the model's.
fn threshold() -> Arg {
    Arg::new("threshold")
        .long("threshold")
        .value_name("X")
        .value_parser(clap::value_parser!(f64))
        .help_heading("Prediction")
        .help("From which probability on the second of two classes, or a label, is predicted [default: the model's]")
}

/// The level of intervals or sets.
fn intervals(help: &'static str) -> Arg {
    let parser = clap::value_parser!(f64);
    Arg::new("intervals").long("intervals").value_name("X").value_parser(parser).help_heading("Prediction").help(help)
}

/// The commonly used options: `-h` shows these, `--help` all.
const COMMON: [&str; 25] = [
    "target",
    "task",
    "dev",
    "test",
    "kinds",
    "missing",
    "ignore",
    "split",
    "layers",
    "activation",
    "batch_norm",
    "dropout",
    "quality",
    "seed",
    "threads",
    "optimizer",
    "learning_rate",
    "batch_size",
    "epochs",
    "l2",
    "patience",
    "search",
    "objective",
    "trials",
    "out",
];

/// The options for reading a data file.
const READING: [&str; 16] = [
    "delimiter",
    "header",
    "names",
    "comment",
    "skip_lines",
    "skip_footer",
    "encoding",
    "sheet",
    "query",
    "decimal_comma",
    "missing",
    "files",
    "arrays",
    "max_bad",
    "memory",
    "cache",
];

/// The options for interpreting its columns.
const INFERRED: [&str; 9] = ["target", "task", "kinds", "order", "sentinels", "id", "ignore", "keep", "weight"];

/// The flags of some options.
fn reading(names: &[&str]) -> Vec<Arg> {
    option_specs().iter().filter(|option| names.contains(&option.name.as_str())).map(flag).collect()
}

/// Adds a flag for every option, `--config` and `--set`.
fn with_options(command: Command) -> Command {
    with_flags(command, |option| option.section != "tune")
}

fn with_flags(command: Command, which: fn(&OptionSpec) -> bool) -> Command {
    let flags = option_specs().iter().filter(|option| option.key() != "data.path" && which(option));
    let flags = flags.map(|option| flag(option).hide_short_help(!COMMON.contains(&option.name.as_str())));
    command
        .arg(Arg::new("config").short('c').long("config").value_name("FILE").help("A TOML file with the same options"))
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help("Set any option by its key, such as train.seed=1"),
        )
        .args(flags)
}

fn flag(option: &OptionSpec) -> Arg {
    let default = match &option.default {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) if text.is_empty() => String::new(),
        serde_json::Value::Array(values) if values.is_empty() => String::new(),
        serde_json::Value::Object(_) => String::new(),
        value => format!(" [default: {value}]"),
    };
    let section = match option.section.as_str() {
        "data" => "Data",
        "split" => "Split",
        "preprocess" => "Preprocessing",
        "augment" => "Augmentation of images and sounds",
        "network" => "Network",
        "train" => "Training",
        "tune" => "Search",
        _ => "Output",
    };
    let choices = if option.choices.is_empty() { String::new() } else { format!(" [{}]", option.choices.join(", ")) };
    let arg = Arg::new(option.name.clone())
        .long(option.flag())
        .help(format!("{}{choices}{default}", option.doc))
        .help_heading(section)
        .allow_hyphen_values(true)
        .value_name(match (option.arity, option.kind) {
            (Arity::List, _) => "A,B,…",
            (Arity::Table, _) => "NAME=VALUE,…",
            (Arity::One, ValueKind::Integer) => "N",
            (Arity::One, ValueKind::Number) => "X",
            (Arity::One, ValueKind::Boolean) => "true|false",
            (Arity::One, _) => "TEXT",
        });
    let arg = if option.name == "out" { arg.short('o') } else { arg };
    // `--search` may be repeated, once per option.
    let arg = if option.name == "search" { arg.action(ArgAction::Append) } else { arg };
    // `--batch-norm` alone means true.
    if option.kind == ValueKind::Boolean {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        arg
    }
}

/// The configuration from the flags and the file.
pub(crate) fn config(matches: &ArgMatches) -> anyhow::Result<Config> {
    let given = |name: &str| {
        let values = matches.try_get_many::<String>(name).ok().flatten()?;
        Some(values.map(String::as_str).collect::<Vec<_>>().join(","))
    };
    let mut settings: Vec<(String, String)> = Vec::new();
    for assignment in matches.try_get_many::<String>("set").ok().flatten().into_iter().flatten() {
        let (key, value) = assignment.split_once('=').ok_or_else(|| {
            thalweg::Error::config(format!("found --set {assignment}, expected KEY=VALUE")).fix("--set train.seed=1")
        })?;
        settings.push((key.into(), value.into()));
    }
    for option in option_specs().iter().filter(|option| option.key() != "data.path") {
        if let Some(value) = given(&option.name) {
            settings.push((option.key(), value));
        }
    }
    if let Some(path) = given("data") {
        settings.push(("data.path".into(), path));
    }
    Ok(Config::load(given("config").as_deref().map(Path::new), &settings)?)
}

/// The configuration of a verb that requires data.
pub(crate) fn config_with_data(matches: &ArgMatches) -> anyhow::Result<Config> {
    let config = config(matches)?;
    if config.data.path.is_empty() {
        let error = thalweg::Error::config("no data is named").fix("name a file, or try sample:digits");
        return Err(error.into());
    }
    Ok(config)
}
