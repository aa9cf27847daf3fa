//! The playground: small experiments that a learner changes and watches, computed by the engine itself.
//!
//! An address below `/api/play` is an experiment: what it answers follows from the settings asked for and their seed
//! alone. Only the network playground keeps something between requests, the networks that are being trained.

mod average;
mod batches;
mod check;
mod decay;
mod depth;
mod example;
mod experiment;
mod optimizers;
mod search;
mod session;
mod sessions;
mod settings;
mod snapshot;

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{self, DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thalweg::{Error, Result, init, schedule, tensor};

pub(crate) use self::sessions::GONE;
use self::sessions::Sessions;
use self::settings::Settings;
use crate::api::{Answer, Refusal, aside};

/// The largest request: a table of points.
const LARGEST: usize = 2 << 20;

/// All of its addresses.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/choices", get(choices))
        .route("/network", post(begin))
        .route("/network/{id}/advance", post(advance))
        .route("/network/{id}/probe", get(probe))
        .route("/points.csv", get(points))
        .route("/example", computed(example::example))
        .route("/depth", computed(depth::depth))
        .route("/average", computed(average::average))
        .route("/optimizers", computed(optimizers::optimizers))
        .route("/decay", computed(decay::decay))
        .route("/search", computed(search::search))
        .route("/batches", computed(batches::batches))
        .route("/check", computed(check::check))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Arc::<Sessions>::default())
}

/// Answers a query with what a function computes from it.
fn computed<Q, F>(compute: F) -> MethodRouter<Arc<Sessions>>
where
    Q: DeserializeOwned + Send + 'static,
    F: Fn(&Q) -> Result<Value> + Copy + Send + Sync + 'static,
{
    get(async move |query: Result<Query<Q>, QueryRejection>| -> Answer {
        let Query(query) = query.map_err(|error| not_understood(error.body_text()))?;
        aside(move || compute(&query).map(Json)).await
    })
}

fn not_understood(why: String) -> Refusal {
    Refusal::from(Error::config(format!("the request is not understood: {why}")))
}

fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Refusal> {
    body.map(|Json(value)| value).map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let error = Error::data(format!("the table is larger than {} MB", LARGEST >> 20));
            Refusal::from(error.fix("use a part of it here, and thalweg train for all of it"))
        }
        _ => not_understood(error.body_text()),
    })
}

/// What can be chosen, by the library's own lists.
async fn choices() -> Json<Value> {
    // Of a hidden layer: a row of softmaxes would be one more output layer.
    let activations = tensor::activation::ALL.iter().map(|one| one.name).filter(|name| *name != "softmax");
    Json(json!({
        "sets": settings::SETS.map(|set| json!({ "name": set.name, "title": set.title, "noise": set.noise })),
        "activations": activations.collect::<Vec<_>>(),
        "initialisers": init::names().collect::<Vec<_>>(),
        "optimizers": thalweg::optimizers::ALL.iter().map(|one| one.name).collect::<Vec<_>>(),
        "schedules": schedule::names().filter(|name| *name != "manual").collect::<Vec<_>>(),
        "limits": { "layers": settings::MOST_LAYERS, "units": settings::MOST_UNITS, "rows": settings::MOST_ROWS },
    }))
}

async fn begin(State(sessions): State<Arc<Sessions>>, body: Result<Json<Settings>, JsonRejection>) -> Answer {
    let settings = read(body)?;
    aside(move || {
        let (id, session) = sessions.begin(&settings)?;
        let session = sessions::lock(&session);
        Ok(Json(snapshot::begun(id, &session)?))
    })
    .await
}

async fn advance(
    State(sessions): State<Arc<Sessions>>,
    extract::Path(id): extract::Path<u64>,
    body: Result<Json<Advance>, JsonRejection>,
) -> Answer {
    let Advance { steps } = read(body)?;
    aside(move || {
        let session = sessions.of(id)?;
        let mut session = sessions::lock(&session);
        session.advance(steps)?;
        Ok(Json(snapshot::now(&session)?))
    })
    .await
}

/// How far to train.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    steps: usize,
}

/// A point of the plane, in the units of the data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    x: f64,
    y: f64,
}

async fn probe(
    State(sessions): State<Arc<Sessions>>,
    extract::Path(id): extract::Path<u64>,
    point: Result<Query<Point>, QueryRejection>,
) -> Answer {
    let Query(Point { x, y }) = point.map_err(|error| not_understood(error.body_text()))?;
    aside(move || {
        let session = sessions.of(id)?;
        let session = sessions::lock(&session);
        snapshot::probe(&session, [x, y]).map(Json)
    })
    .await
}

/// A set of points as a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Points {
    data: String,
    rows: usize,
    noise: f64,
    seed: u64,
}

async fn points(query: Result<Query<Points>, QueryRejection>) -> Result<Response, Refusal> {
    let Query(Points { data, rows, noise, seed }) = query.map_err(|error| not_understood(error.body_text()))?;
    let settings = Settings { data, rows, noise, seed, ..Settings::default() };
    let text = aside(move || experiment::csv(&settings)).await?;
    let file = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"points.csv\""),
    ];
    Ok((file, text).into_response())
}
