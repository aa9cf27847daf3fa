//! The server as browsers meet it, and as those do that want to abuse it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use thalweg::Training;
use thalweg::config::Config;
use thalweg::event::Event;
use thalweg_ui::Page;

/// A folder with one trained run, and its page.
struct Served {
    folder: tempfile::TempDir,
    page: Page,
}

/// An answer: its status, its headers in lower case, its body.
struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Served {
    fn new() -> Served {
        let folder = tempfile::tempdir().unwrap();
        let training =
            Training::on("sample:iris").layers([8]).learning_rate(0.05).epochs(40).out(folder.path().join("iris"));
        training.run().unwrap();
        let page = thalweg_ui::open(folder.path(), "127.0.0.1".parse().unwrap(), Some(0)).unwrap();
        Served { folder, page }
    }

    fn host(&self) -> &str {
        self.page.url().trim_start_matches("http://").split('/').next().unwrap()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.host()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends a request as it is written, with the headers that end it.
    fn raw(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let head = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // The server may answer and close before it has read all.
        _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { status, headers: head.to_lowercase(), body: body.into() }
    }

    fn get(&self, path: &str) -> Answer {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.host()), b"")
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nX-Thalweg: 1\r\nContent-Type: application/json\r\n",
            self.host()
        );
        self.raw(&head, body.as_bytes())
    }
}

#[test]
fn a_run_is_shown_labelled_asked_and_deleted() {
    let served = Served::new();
    let rows = served.get("/api/runs").json();
    assert_eq!(rows["runs"][0]["id"], "iris");
    assert_eq!(rows["runs"][0]["status"], "finished");
    assert!(rows["runs"][0]["headline"]["value"].as_f64().unwrap() > 0.5);
    let run = served.get("/api/runs/iris").json();
    assert_eq!(run["classes"].as_array().unwrap().len(), 3);
    assert!(run["sections"].as_array().unwrap().iter().any(|section| section["id"] == "results"));
    let curves = served.get("/api/runs/iris/curves?points=10").json();
    assert_eq!(curves["epochs"][0], 1);
    assert!(curves["epochs"].as_array().unwrap().len() <= 14);
    assert_eq!(served.get("/api/runs/iris/curves?from=5&to=7").json()["epochs"], serde_json::json!([5, 6, 7]));
    assert!(served.get("/api/runs/iris/scales").json()["layers"][0]["weight"][0].as_f64().unwrap() > 0.0);

    let labels = r#"{"tags":["<b>good</b>"],"notes":"the one"}"#;
    assert_eq!(served.send("PUT", "/api/runs/iris/labels", labels).status, 200);
    assert_eq!(served.get("/api/runs/iris").json()["tags"][0], "<b>good</b>");
    assert_eq!(served.send("PUT", "/api/runs/iris/labels", r#"{"tag":[]}"#).status, 422);

    let form = served.get("/api/runs/iris/form").json();
    assert_eq!(form["fields"][2]["name"], "petal_length_cm");
    let typed =
        r#"{"inputs":{"petal_length_cm":"1.4","petal_width_cm":"0.2","sepal_length_cm":"5","sepal_width_cm":""}}"#;
    let answer = served.send("POST", "/api/runs/iris/predict", typed).json();
    let one = &answer["predictions"][0];
    assert_eq!(one["answer"], "setosa");
    let sum: f64 = one["probabilities"].as_array().unwrap().iter().map(|p| p["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    assert_eq!(one["contributions"].as_array().unwrap().len(), 4);
    for (typed, told) in [
        (r#"{"inputs":{"petal_length":"1"}}"#, "did you mean \\\"petal_length_cm\\\""),
        (r#"{"inputs":{"petal_length_cm":"long"}}"#, "long"),
        ("{", "not understood"),
    ] {
        let refused = served.send("POST", "/api/runs/iris/predict", typed);
        assert!(refused.status == 400 && refused.body.contains(told), "{typed}: {}", refused.body);
    }

    assert_eq!(served.send("POST", "/api/runs/iris/stop", "").status, 400, "nothing trains");
    assert_eq!(served.send("DELETE", "/api/runs/iris", "").status, 200);
    assert!(!served.folder.path().join("iris").exists());
    assert_eq!(served.get("/api/runs/iris").status, 404);
}

/// Trains on a table beside the runs.
fn trained(served: &Served, name: &str, csv: &str, options: &[(&str, &str)]) {
    let path = served.folder.path().join(format!("{name}.csv"));
    fs::write(&path, csv).unwrap();
    let [data, out] = [path, served.folder.path().join(name)].map(|path| path.display().to_string());
    let all = [("path", data.as_str()), ("out", &out), ("epochs", "2")];
    let all: Vec<_> = all.iter().chain(options).map(|(key, value)| (key.to_string(), value.to_string())).collect();
    thalweg::run::train(&Config::load(None, &all).unwrap(), &mut |_: &Event| {}).unwrap();
}

#[test]
fn a_text_may_be_left_out_and_series_are_not_typed() {
    let served = Served::new();
    let row = |i: usize| format!("\"a {} letter of number {i}\",{}\n", ["warm", "cold"][i % 2], i % 2);
    let letters = String::from("letter,cold\n") + &(0..60).map(row).collect::<String>();
    for (name, options) in [("letters", &[][..]), ("tokens", &[("text", "tokens")])] {
        trained(&served, name, &letters, options);
        assert_eq!(served.get(&format!("/api/runs/{name}/form")).json()["fields"][0]["type"], "text");
        for typed in [r#"{"inputs":{"letter":""}}"#, r#"{"inputs":{"letter":"so warm, \"so\" cold"}}"#] {
            let answer = served.send("POST", &format!("/api/runs/{name}/predict"), typed);
            assert!(answer.status == 200 && answer.json()["predictions"][0]["answer"].is_string(), "{}", answer.body);
        }
    }
    let day = |i: usize| format!("{i},{}\n", i % 7);
    let options = [("time", "day"), ("target", "amount"), ("forecast", "2")];
    trained(&served, "sales", &(String::from("day,amount\n") + &(0..90).map(day).collect::<String>()), &options);
    assert_eq!(served.get("/api/runs/sales/form").json()["kind"], "none");
}

#[test]
fn studies_are_listed_and_shown() {
    let served = Served::new();
    fs::write(served.folder.path().join("notes.sqlite"), "no database").unwrap();
    assert_eq!(served.get("/api/studies").json()["studies"], serde_json::json!([]));
    let mut config = thalweg::config::Config::default();
    config.data.path = "sample:iris".into();
    config.network.layers = Some(vec![4]);
    config.train.epochs = Some(2);
    config.tune.trials = 2;
    config.tune.study = Some(served.folder.path().join("iris.sqlite").display().to_string());
    config.output.out = Some(served.folder.path().join("best").display().to_string());
    thalweg::tune::tune(&config, &mut |_: &thalweg::tune::SearchEvent| ()).unwrap();
    let studies = served.get("/api/studies").json();
    assert_eq!(studies["studies"][0]["id"], "iris.sqlite");
    assert!(studies["studies"][0]["trials"].as_u64() >= Some(2));
    assert_eq!(studies["studies"][0]["state"], "finished");
    let shown = served.get("/api/studies/iris.sqlite").json();
    assert!(shown["html"].as_str().unwrap().contains("<h2>"));
    for id in ["..%2Firis.sqlite", "iris", "notes.sqlite"] {
        assert!(served.get(&format!("/api/studies/{id}")).status >= 400, "{id}");
    }
}

#[test]
fn requests_of_other_sites_and_names_are_refused() {
    let served = Served::new();
    let host = served.host().to_string();
    let refused = |head: String, why: &str| {
        let answer = served.raw(&head, b"");
        assert!(answer.status == 403 && answer.body.contains(why), "{head}: {} {}", answer.status, answer.body);
    };
    // A name of another site that was made to point here.
    refused("GET /api/runs HTTP/1.1\r\nHost: evil.example\r\n".into(), "another name");
    refused("GET /api/runs HTTP/1.1\r\nHost: evil.example:8765\r\n".into(), "another name");
    refused("GET / HTTP/1.0\r\n".into(), "another name");
    for origin in ["http://evil.example", "null", "https://127.0.0.1", &format!("https://{host}"), "http://127.0.0.1:1"]
    {
        refused(format!("GET /api/runs HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"), "another site");
    }
    // What a form of another site can send.
    refused(format!("POST /api/runs/iris/stop HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\n"), "X-Thalweg");
    refused(format!("DELETE /api/runs/iris HTTP/1.1\r\nHost: {host}\r\n"), "X-Thalweg");
    assert!(served.folder.path().join("iris/model.safetensors").exists());
    let own = format!("GET /api/runs HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n");
    assert_eq!(served.raw(&own, b"").status, 200);

    let page = served.get("/");
    for header in ["script-src 'self'", "frame-ancestors 'none'", "nosniff", "referrer-policy: no-referrer", "no-store"]
    {
        assert!(page.headers.contains(header), "{header}: {}", page.headers);
    }
    assert!(!page.headers.contains("script-src 'self' 'unsafe-inline'") && !page.headers.contains("access-control"));
}

#[test]
fn paths_lead_to_runs_alone() {
    let served = Served::new();
    let secret = served.folder.path().join("secret.txt");
    fs::write(&secret, "secret").unwrap();
    let encoded = |path: &Path| path.display().to_string().replace('/', "%2F");
    let outside = tempfile::tempdir().unwrap();
    let other = outside.path().join("run");
    Training::on("sample:iris").layers([2]).epochs(1).out(&other).run().unwrap();
    let (outside_of, linked) = (encoded(&other), served.folder.path().join("linked"));
    #[cfg(unix)]
    std::os::unix::fs::symlink(&other, &linked).unwrap();
    let paths =
        ["..", ".", "", "..%2F..%2Fetc", "iris%2F..%2Firis", "%2Fetc", "iris%00", "secret.txt", "linked", &outside_of];
    for path in paths {
        for tail in ["", "/curves", "/form", "/stream"] {
            let answer = served.get(&format!("/api/runs/{path}{tail}"));
            assert!([400, 404].contains(&answer.status) || path.is_empty(), "{path}{tail}: {}", answer.status);
            assert!(!answer.body.contains("secret\n"), "{path}{tail}");
        }
        let answer = served.send("DELETE", &format!("/api/runs/{path}"), "");
        assert!(answer.status >= 400, "{path}: {}", answer.status);
    }
    assert!(secret.exists() && other.join("model.safetensors").exists() && linked.exists());
    for path in ["/../secret.txt", "/secret.txt", "/app.js/../secret.txt", "/%2e%2e/secret.txt", "/api/../secret.txt"] {
        assert_eq!(served.get(path).status, 404, "{path}");
    }
}

#[test]
fn huge_requests_are_refused_and_slow_ones_end() {
    let served = Served::new();
    let head = format!(
        "POST /api/runs/iris/predict HTTP/1.1\r\nHost: {}\r\nX-Thalweg: 1\r\nContent-Type: image/png\r\n",
        served.host()
    );
    assert_eq!(served.raw(&head, &vec![0; 33 << 20]).status, 413);
    let long = format!("GET /{} HTTP/1.1\r\nHost: {}\r\n", "x".repeat(1 << 20), served.host());
    assert!([414, 431, 400, 0].contains(&served.raw(&long, b"").status));
    // Half a request, and nothing more.
    let mut slow = served.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    let begun = Instant::now();
    let mut rest = Vec::new();
    _ = slow.read_to_end(&mut rest);
    assert!(begun.elapsed() < Duration::from_secs(18), "the connection is still open");
    assert_eq!(served.get("/api/session").status, 200);
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    let served = Served::new();
    let idle: Vec<_> = (0..1000).filter_map(|_| TcpStream::connect(served.host()).ok()).collect();
    assert!(idle.len() > 400, "{}", idle.len());
    assert_eq!(served.get("/api/runs").status, 200);
}

#[test]
fn an_address_that_others_reach_asks_for_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let page = thalweg_ui::open(folder.path(), "0.0.0.0".parse().unwrap(), Some(0)).unwrap();
    let token = page.url().split("token=").nth(1).unwrap().to_string();
    let served = Served { folder, page };
    assert_eq!(token.len(), 32);
    for path in ["/", "/api/runs", "/?token=", "/?token=00000000000000000000000000000000"] {
        assert_eq!(served.get(path).status, 401, "{path}");
    }
    let entered = served.get(&format!("/?token={token}"));
    assert_eq!(entered.status, 303);
    assert!(entered.headers.contains("samesite=strict") && entered.headers.contains("httponly"));
    let head = format!("GET /api/runs HTTP/1.1\r\nHost: {}\r\nCookie: a=b; thalweg={token}\r\n", served.host());
    assert_eq!(served.raw(&head, b"").status, 200);
}

#[test]
fn a_training_is_watched_and_stopped() {
    let served = Served::new();
    let path = served.folder.path().join("long");
    let train = move || Training::on("sample:digits").epochs(100_000).out(&path).run().unwrap();
    let trained = std::thread::spawn(train);
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let row = || served.get("/api/runs/long").json();
    until("an epoch ends", &|| row()["status"] == "running" && row()["epoch"].as_u64() > Some(0));
    let mut stream = served.connect();
    let request = format!("GET /api/runs/long/stream HTTP/1.1\r\nHost: {}\r\n\r\n", served.host());
    stream.write_all(request.as_bytes()).unwrap();
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while !seen.contains("event: epoch") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(served.send("DELETE", "/api/runs/long", "").body.contains("is training in this folder"));
    assert_eq!(served.send("POST", "/api/runs/long/stop", "").status, 200);
    let outcome = trained.join().unwrap();
    assert_eq!(outcome.end, thalweg::train::StopReason::Interrupted);
    assert_eq!(row()["status"], "interrupted");
    assert_eq!(row()["can_resume"], true);
}

/// What the playground shows at the end is what its command prints: the same network on the same rows, bit by bit.
#[test]
fn the_playground_trains_what_its_command_trains() {
    let served = Served::new();
    let begun =
        served.send("POST", "/api/play/network", r#"{"data":"circles","epochs":20,"layers":[4],"l2":0.1,"seed":5}"#);
    let begun = begun.json();
    let advance = format!("/api/play/network/{}/advance", begun["id"]);
    let mut told = Value::Null;
    for _ in 0..5 {
        told = served.send("POST", &advance, r#"{"steps":100}"#).json();
    }
    assert_eq!((told["epoch"].as_u64(), told["done"].as_bool()), (Some(20), Some(true)));
    let command: Vec<String> = begun["command"].as_str().unwrap().split(' ').map(String::from).collect();
    assert_eq!(command[..3], ["thalweg", "train", "sample:circles,rows=300,noise=0.1,seed=5"]);
    let mut training = Training::on(command[2].clone());
    for option in command[3..].chunks(2) {
        training = training.configure(|config| config.set(&option[0][2..].replace('-', "_"), &option[1]).unwrap());
    }
    let metrics = training.out(served.folder.path().join("circles")).run().unwrap().metrics;
    for (part, metrics) in [("train", metrics.train), ("test", metrics.test)] {
        let loss = told["loss"][part].as_f64().unwrap();
        assert!((loss - metrics["log_loss"].value).abs() < 1e-7, "{part}: {loss} {:?}", metrics["log_loss"]);
        assert_eq!(told["metric_value"][part].as_f64().unwrap(), metrics["accuracy"].value, "{part}");
    }
    let again =
        served.send("POST", "/api/play/network", r#"{"data":"circles","epochs":20,"layers":[4],"l2":0.1,"seed":5}"#);
    assert_eq!(again.json()["plane"], begun["plane"]);
    let probed = served.get(&format!("/api/play/network/{}/probe?x=0&y=0", begun["id"])).json();
    assert_eq!(probed["answer"], "1");
    let points = served.get("/api/play/points.csv?data=circles&rows=300&noise=0.1&seed=5").body;
    assert_eq!((points.lines().count(), points.lines().next()), (301, Some("x,y,class")));
}

#[test]
fn a_learner_s_own_columns_are_trained_on() {
    let served = Served::new();
    let row = |i: usize| {
        format!("{},{},{},n{i}", i % 17, (i * 7) % 23, if (i % 17) * 2 > (i * 7) % 23 { "high" } else { "low" })
    };
    let text = std::iter::once("a b,c,level,name".to_string()).chain((0..200).map(row)).collect::<Vec<_>>().join("\n");
    let begin = |inputs: [&str; 2], target: &str| {
        let csv = serde_json::json!({ "name": "my points.csv", "text": text, "inputs": inputs, "target": target });
        served.send("POST", "/api/play/network", &serde_json::json!({ "data": "csv", "csv": csv }).to_string())
    };
    let begun = begin(["a b", "c"], "level").json();
    assert_eq!(begun["classes"], serde_json::json!(["high", "low"]));
    assert_eq!(begun["axes"][0]["name"], "a b");
    let command = begun["command"].as_str().unwrap();
    assert!(
        command.starts_with("thalweg train 'my points.csv' --recipe course --target level --ignore name"),
        "{command}"
    );
    let told = served.send("POST", &format!("/api/play/network/{}/advance", begun["id"]), r#"{"steps":2000}"#).json();
    assert!(told["metric_value"]["test"].as_f64().unwrap() > 0.9, "{}", told["metric_value"]);
    for (inputs, target, said) in [
        (["a b", "nothing"], "level", "there is no column"),
        (["a b", "a b"], "level", "found a column twice"),
        (["a b", "level"], "c", "is not one of different numbers"),
    ] {
        let refused = begin(inputs, target);
        assert!(refused.status == 400 && refused.body.contains(said), "{said}: {} {}", refused.status, refused.body);
    }
}

#[test]
fn the_playground_refuses_what_is_wrong_or_too_much() {
    let served = Served::new();
    let refused = |answer: Answer, status: u16, said: &str| {
        assert!(answer.status == status && answer.body.contains(said), "{said}: {} {}", answer.status, answer.body);
    };
    let begin = |settings: &str| served.send("POST", "/api/play/network", settings);
    refused(begin(r#"{"data":"circle"}"#), 400, "did you mean \\\"circles");
    refused(begin(r#"{"data":"/etc/passwd"}"#), 400, "unknown set of points");
    refused(begin(r#"{"sede":1}"#), 400, "unknown field `sede`");
    refused(begin(r#"{"layers":[4,400]}"#), 400, "found 400 units in a layer, expected 1 to 12");
    refused(begin(r#"{"rows":1000000000}"#), 400, "found 1000000000 rows");
    refused(begin(r#"{"activation":"rleu"}"#), 400, "relu");
    refused(begin("{"), 400, "not understood");
    refused(
        begin(&format!(r#"{{"data":"csv","csv":{{"name":"x","text":"{}"}}}}"#, "1".repeat(2 << 20))),
        400,
        "larger than 2 MB",
    );
    let lines = "1,2,3\\n".repeat(5_002);
    let many =
        format!(r#"{{"data":"csv","csv":{{"name":"x.csv","text":"a,b,c\n{lines}","inputs":["a","b"],"target":"c"}}}}"#);
    refused(begin(&many), 400, "at most 5000 rows");
    refused(served.send("POST", "/api/play/network/77/advance", r#"{"steps":1}"#), 404, "no longer in memory");
    let id = begin("{}").json()["id"].clone();
    refused(
        served.send("POST", &format!("/api/play/network/{id}/advance"), r#"{"steps":1000000}"#),
        400,
        "at most 2000",
    );
    for (path, said) in [
        ("average?beta=2&days=10&noise=1&seed=0", "expected 0 to below 1"),
        ("average?beta=0.5&days=10", "missing field"),
        ("depth?layers=100000&units=5&activation=tanh&above=1.5&below=0.5&seed=0", "expected up to 100"),
        ("decay?alpha=0.1&epochs=10&every=0", "expected 1 to"),
        ("search?side=1000&seed=0", "expected 2 to"),
        ("batches?data=moons&rows=200&learning_rate=0.1&size=64&epochs=100000&seed=0", "up to 100 epochs"),
        ("optimizers?surface=sea&alpha=0.1&beta1=0.9&beta2=0.9&steps=9&seed=0", "use ravine or network"),
        ("example?x=1,2,3,4,5,6&y=1&layers=&activation=tanh&alpha=0.1&steps=0&seed=0", "up to 4 inputs"),
        ("check?seed=0&epsilon=7", "expected 1e-12 to 0.1"),
        ("points.csv?data=nothing&rows=20&noise=0&seed=0", "unknown set"),
    ] {
        refused(served.get(&format!("/api/play/{path}")), 400, said);
    }
    // What others may not do anywhere, they may not do here.
    let head =
        format!("POST /api/play/network HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n", served.host());
    refused(served.raw(&head, b"{}"), 403, "X-Thalweg");
}
