//! The addresses below `/api`, and what they answer.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{self, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use thalweg::event::{Run, Splits};
use thalweg::metrics::higher_is_better;
use thalweg::report::{self, metric_name};
use thalweg::run::RunFolder;
use thalweg::{Error, ErrorKind, findings, io};

use crate::answer::{self, Models};
use crate::curves::{self, Window};
use crate::run_list::{Labels, RunList, labels};
use crate::stream::WatchedRun;
use crate::{comparison, configuration, playground, stream, studies};

/// The time in which a resumed run that cannot go on says so.
const REFUSAL: Duration = Duration::from_secs(2);
/// The most runs side by side.
const SIDE_BY_SIDE: usize = 12;

#[derive(Debug, Clone)]
struct Shared {
    runs: Arc<RunList>,
    models: Arc<Models>,
}

pub(crate) type Answer = Result<Json<Value>, Refusal>;

/// An error as JSON, with a status.
#[derive(Debug)]
pub(crate) struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.0.kind {
            _ if ["there is no such run", playground::GONE].contains(&&*self.0.message) => StatusCode::NOT_FOUND,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let Error { message, place, remedy, .. } = self.0;
        let error = json!({ "message": message, "place": place, "remedy": remedy.map(|remedy| remedy.to_string()) });
        (status, Json(json!({ "error": error }))).into_response()
    }
}

/// All of them.
pub(crate) fn routes(runs: Arc<RunList>) -> Router {
    Router::new()
        .route("/session", get(session))
        .route("/stream", get(list_stream))
        .route("/runs", get(list))
        .route("/runs/{id}", get(run).delete(delete))
        .route("/runs/{id}/curves", get(epochs))
        .route("/runs/{id}/scales", get(scales))
        .route("/runs/{id}/stream", get(run_stream))
        .route("/runs/{id}/stop", post(stop))
        .route("/runs/{id}/resume", post(resume))
        .route("/runs/{id}/labels", put(label))
        .route("/runs/{id}/form", get(form))
        .route("/runs/{id}/predict", post(predict))
        .route("/compare", get(compare))
        .route("/studies", get(list_studies))
        .route("/studies/{id}", get(study))
        .fallback(unknown)
        .with_state(Shared { runs, models: Arc::default() })
        .nest("/play", playground::routes())
}

/// Does what may wait for the disk or compute for a while, on a thread of its own.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> thalweg::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.unwrap_or_else(|_| Err(Error::internal("the server failed to answer: this is a bug")))?)
}

async fn unknown() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": { "message": "there is no such address" } }))).into_response()
}

async fn session(State(shared): State<Shared>) -> Json<Value> {
    let folder = shared.runs.root().display().to_string();
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "folder": folder, "writable": true }))
}

async fn list(State(shared): State<Shared>) -> Answer {
    aside(move || Ok(Json(json!({ "runs": shared.runs.rows() })))).await
}

async fn list_stream(State(shared): State<Shared>) -> Response {
    stream::of_list(shared.runs).into_response()
}

async fn run(State(shared): State<Shared>, extract::Path(id): extract::Path<String>) -> Answer {
    aside(move || {
        let folder = shared.runs.folder(&id)?;
        let mut answer = shared.runs.row(&id)?;
        let whole = shared.runs.with_run(&id, |run| whole(run, &folder))?;
        if let (Some(answer), Value::Object(whole)) = (answer.as_object_mut(), whole) {
            answer.extend(whole);
        }
        Ok(Json(answer))
    })
    .await
}

/// What a run's page shows, besides its row.
fn whole(run: &Run, folder: &Path) -> Value {
    let sections: Vec<Value> =
        report::sections(run).into_iter().map(|section| json!({ "id": section.id, "html": section.html })).collect();
    let metrics = run.end.as_ref().map(|end| &end.metrics);
    let in_the_end = metrics.into_iter().flat_map(Splits::named).flat_map(|(_, metrics)| metrics.keys());
    let names: BTreeMap<&str, Value> = in_the_end
        .chain(run.epochs.last().into_iter().flat_map(|epoch| epoch.dev.keys()))
        .map(|name| (name.as_str(), json!({ "label": metric_name(name), "higher_is_better": higher_is_better(name) })))
        .collect();
    let baselines: Vec<Value> =
        run.baselines.iter().map(|one| json!({ "name": one.name, "metrics": one.metrics })).collect();
    json!({
        "classes": run.classes,
        "examples": run.examples,
        "features": run.features,
        "layers": run.layers,
        "steps_per_epoch": run.steps_per_epoch,
        "command": run.command,
        "facts": run.facts,
        "findings": findings::of(run, None).iter().map(|one| one.to_json(&run.command)).collect::<Vec<_>>(),
        "decisions": run.decisions.iter().map(decision).collect::<Vec<_>>(),
        "warning_texts": run.warnings,
        "metrics": metrics,
        "metric_names": names,
        "baselines": baselines,
        "reason": run.end.as_ref().map(|end| &end.reason),
        "resumed": run.resumed,
        "configuration": configuration::listed(folder),
        "can_resume": can_resume(run, folder),
        "answers": run.end.as_ref().map(|end| &end.answers),
        "sections": sections,
        "css": report::css(),
    })
}

fn decision(decision: &thalweg::event::Decision) -> Value {
    json!({ "what": decision.what, "why": decision.why, "instead": decision.instead.to_string() })
}

fn can_resume(run: &Run, folder: &Path) -> bool {
    let checkpoint = ["checkpoint.safetensors", "checkpoint.previous.safetensors"];
    run.interrupted() && checkpoint.iter().any(|name| folder.join(name).is_file()) && !RunFolder::is_in_use(folder)
}

async fn epochs(
    State(shared): State<Shared>,
    extract::Path(id): extract::Path<String>,
    Query(window): Query<Window>,
) -> Answer {
    aside(move || Ok(Json(shared.runs.with_run(&id, |run| curves::epochs(run, &window))?))).await
}

async fn scales(
    State(shared): State<Shared>,
    extract::Path(id): extract::Path<String>,
    Query(window): Query<Window>,
) -> Answer {
    aside(move || Ok(Json(shared.runs.with_run(&id, |run| curves::scales(run, &window))?))).await
}

async fn run_stream(
    State(shared): State<Shared>,
    extract::Path(id): extract::Path<String>,
) -> Result<Response, Refusal> {
    let watch = aside(move || Ok(WatchedRun::new(shared.runs.folder(&id)?))).await?;
    Ok(stream::of_run(watch).into_response())
}

async fn stop(State(shared): State<Shared>, extract::Path(id): extract::Path<String>) -> Answer {
    aside(move || RunFolder::request_stop(&shared.runs.folder(&id)?).map(|()| Json(json!({})))).await
}

/// Goes on with a run, in a process of its own that outlives this one.
async fn resume(State(shared): State<Shared>, extract::Path(id): extract::Path<String>) -> Answer {
    aside(move || {
        let folder = shared.runs.folder(&id)?;
        let failed = |error: std::io::Error| Error::internal(format!("cannot start thalweg resume: {error}"));
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["resume", "--quiet"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let begun = Instant::now();
        while begun.elapsed() < REFUSAL {
            match child.try_wait().map_err(failed)? {
                Some(status) if status.success() => return Ok(Json(json!({}))),
                Some(_) => {
                    let output = child.wait_with_output().map_err(failed)?;
                    let text = String::from_utf8_lossy(&output.stderr);
                    let told = text.trim().trim_start_matches("error: ");
                    return Err(Error::config(told).fix(format!("see what thalweg resume {} says", folder.display())));
                }
                None if RunFolder::is_in_use(&folder) => break,
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        // Its messages are read to the end, so that it never waits for a reader, and its exit is taken note of.
        std::thread::spawn(move || child.wait_with_output());
        Ok(Json(json!({})))
    })
    .await
}

async fn label(
    State(shared): State<Shared>,
    extract::Path(id): extract::Path<String>,
    Json(given): Json<Labels>,
) -> Answer {
    aside(move || {
        let folder = shared.runs.folder(&id)?;
        let text = serde_json::to_string(&given).map_err(|error| Error::internal(error.to_string()))?;
        io::atomic::write(&RunFolder::labels(&folder), text.as_bytes())?;
        Ok(Json(json!(labels(&folder))))
    })
    .await
}

async fn delete(State(shared): State<Shared>, extract::Path(id): extract::Path<String>) -> Answer {
    aside(move || RunFolder::delete(&shared.runs.folder(&id)?).map(|()| Json(json!({})))).await
}

async fn form(State(shared): State<Shared>, extract::Path(id): extract::Path<String>) -> Answer {
    aside(move || Ok(Json(shared.models.of_run(&shared.runs.folder(&id)?)?.form()))).await
}

async fn predict(
    State(shared): State<Shared>,
    extract::Path(id): extract::Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        inputs: HashMap<String, String>,
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    aside(move || {
        let model = shared.models.of_run(&shared.runs.folder(&id)?)?;
        if kind != "application/json" {
            return Ok(Json(answer::of_file(&model, &kind, &body)?));
        }
        let row: Row = serde_json::from_slice(&body)
            .map_err(|error| Error::data(format!("the request is not understood: {error}")))?;
        Ok(Json(answer::of_row(&model, &row.inputs)?))
    })
    .await
}

async fn list_studies(State(shared): State<Shared>) -> Answer {
    aside(move || Ok(Json(json!({ "studies": studies::list(shared.runs.root()) })))).await
}

async fn study(State(shared): State<Shared>, extract::Path(id): extract::Path<String>) -> Answer {
    aside(move || Ok(Json(studies::shown(shared.runs.root(), &id)?))).await
}

async fn compare(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Answer {
    aside(move || {
        let query = query.unwrap_or_default();
        let named = query.split('&').find_map(|part| part.strip_prefix("runs=")).unwrap_or_default();
        // Split before decoding: names may have commas.
        let ids = named.split(',').filter(|id| !id.is_empty()).map(|id| percent_decode_str(id).decode_utf8_lossy());
        let ids: Vec<_> = ids.collect();
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        if !(1..=SIDE_BY_SIDE).contains(&ids.len()) {
            return Err(Error::config(format!("found {} runs, expected 1 to {SIDE_BY_SIDE}", ids.len())));
        }
        Ok(Json(comparison::comparison(&shared.runs, &ids)?))
    })
    .await
}
