//! Who may talk to the server, and what browsers may do with its answers.
//!
//! A page of another site that is open in the same browser can send requests to this server, and a name that it owns can be
//! made to point here (DNS rebinding). So the request must name this server as its host, come from its own page if it comes
//! from one, and, where it changes something, carry a header that other sites cannot send.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The header of requests that change something.
const OWN: &str = "x-thalweg";
const COOKIE: &str = "thalweg";

const SAFETY: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' \
         data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// What is asked of a request.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// The names of this server, for one that only its own machine can reach.
    hosts: Vec<String>,
    /// The word that a browser must know, for one that others can reach.
    token: Option<String>,
}

impl Guard {
    /// For a server at this address.
    ///
    /// # Errors
    /// If the system has no random numbers for a token.
    pub(crate) fn new(address: SocketAddr) -> thalweg::Result<Guard> {
        let port = address.port();
        if address.ip().is_loopback() {
            let names = [address.to_string(), format!("localhost:{port}")];
            return Ok(Guard { hosts: names.into(), token: None });
        }
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| thalweg::Error::internal(format!("the system gives no random numbers: {error}")))?;
        let token = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Guard { hosts: Vec::new(), token: Some(token) })
    }

    /// What is added to the address of the page.
    pub(crate) fn query(&self) -> String {
        self.token.as_ref().map_or(String::new(), |token| format!("?token={token}"))
    }

    /// Why a request is refused, if it is.
    fn refusal(&self, method: &Method, headers: &HeaderMap) -> Option<&'static str> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        if !self.hosts.is_empty() && !self.hosts.iter().any(|name| name.eq_ignore_ascii_case(host)) {
            return Some("this server has another name: open the address that thalweg ui printed");
        }
        let own_origin =
            |origin: &str| origin.strip_prefix("http://").is_some_and(|from| from.eq_ignore_ascii_case(host));
        if headers.contains_key(header::ORIGIN) && !text(header::ORIGIN).is_some_and(own_origin) {
            return Some("the request comes from another site");
        }
        if !matches!(*method, Method::GET | Method::HEAD) && !headers.contains_key(OWN) {
            return Some("the request lacks the header X-Thalweg");
        }
        None
    }

    fn knows(&self, word: &str) -> bool {
        // Every byte is compared, so that the time tells nothing of how many are right.
        self.token.as_ref().is_none_or(|token| {
            token.len() == word.len() && token.bytes().zip(word.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
        })
    }
}

/// Refuses requests that are none of the page's own, and marks all answers.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let refusal = guard.refusal(request.method(), request.headers());
    let mut response = match refusal {
        Some(reason) => (StatusCode::FORBIDDEN, format!("{reason}\n")).into_response(),
        None => admit(&guard, request, next).await,
    };
    for (name, value) in SAFETY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets those in that know the token, which the first address has and a cookie keeps.
async fn admit(guard: &Guard, request: Request, next: Next) -> Response {
    let Some(token) = &guard.token else { return next.run(request).await };
    let given = request.uri().query().unwrap_or_default().split('&').find_map(|part| part.strip_prefix("token="));
    if given.is_some_and(|word| guard.knows(word)) {
        let cookie = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/");
        return (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/".into())]).into_response();
    }
    let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let known = cookies.flat_map(|line| line.split(';')).any(|cookie| {
        cookie.trim().strip_prefix(COOKIE).and_then(|rest| rest.strip_prefix('=')).is_some_and(|word| guard.knows(word))
    });
    if known {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, "open the address that thalweg ui printed, with its token\n").into_response()
    }
}
