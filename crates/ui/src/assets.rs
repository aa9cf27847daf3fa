//! The page itself, built from `web/` and part of the binary.

use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// The files by their paths, with their types.
const FILES: [(&str, &str, &[u8]); 3] = [
    ("/", "text/html; charset=utf-8", include_bytes!("../assets/index.html")),
    ("/app.js", "text/javascript; charset=utf-8", include_bytes!("../assets/app.js")),
    ("/app.css", "text/css; charset=utf-8", include_bytes!("../assets/app.css")),
];

/// Serves a file; all other paths are unknown.
pub(crate) async fn file(uri: Uri) -> Response {
    match FILES.iter().find(|(path, ..)| *path == uri.path()) {
        Some((_, kind, bytes)) => ([(CONTENT_TYPE, HeaderValue::from_static(kind))], *bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
