//! The fault catalogue, as far as the adapter answers for it.

use holdfast_platforms::ByClaim as _;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, ObjectId, Scope};
use holdfast_platforms::{
    Budgets, Platform, PlatformError, ProblemKind, bridge::Bridge, http::SetupError,
};
use serde_json::Map;
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::server::{Fake, Outcomes, Reply, TOKEN, bridge, healthy, item, options};

fn claim() -> Claim {
    Claim::new("hf-1")
}

fn id() -> ObjectId {
    ObjectId::new("1")
}

fn is_unreachable<T>(answer: &Result<T, PlatformError>) -> bool {
    matches!(answer, Err(PlatformError::Unreachable(_)))
}

fn is_garbled<T>(answer: &Result<T, PlatformError>) -> bool {
    matches!(answer, Err(PlatformError::Garbled(_)))
}

#[tokio::test]
async fn a_lost_answer_to_a_creation_is_found_by_its_mark() {
    // F2
    let committed = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start({
        let committed = Arc::clone(&committed);
        move |seen| match seen.method.as_str() {
            "PUT" if committed.fetch_add(1, Ordering::SeqCst) == 0 => {
                Reply::json(201, item("1", "hf-1")).broken()
            }
            "PUT" => Reply::problem(412, "precondition-failed"),
            _ => Reply::json(200, item("1", "hf-1")),
        }
    })
    .await;
    let bridge = fake.bridge();
    let lost = bridge.create(Kind::Customer, &claim(), Map::new()).await;
    assert!(is_unreachable(&lost), "{lost:?}");
    assert_eq!(
        committed.load(Ordering::SeqCst),
        1,
        "never repeated by itself"
    );
    assert_eq!(
        bridge.find(Kind::Customer, &claim()).await.unwrap()[0].id,
        id()
    );
    let again = bridge.create(Kind::Customer, &claim(), Map::new()).await;
    assert!(
        matches!(again, Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::AlreadyExists)
    );
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_answer_is_no_answer() {
    // F2
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    tokio::spawn({
        let connections = Arc::clone(&connections);
        async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let _ = socket.read(&mut [0; 4096]).await;
            }
        }
    });
    let bridge = bridge(&url, &Arc::default(), Ok(()));
    let lost = bridge.create(Kind::Customer, &claim(), Map::new()).await;
    assert!(is_unreachable(&lost), "{lost:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 1, "sent once");
}

#[tokio::test]
async fn an_edit_is_given_up_after_five_seconds_and_sent_once() {
    // F4, F25
    let fake =
        Fake::start(|_| Reply::json(201, item("1", "hf-1")).after(Duration::from_secs(30))).await;
    let other = Fake::start(healthy).await;
    let (bridge, claim, start) = (fake.bridge(), claim(), Instant::now());
    let (late, swift) = tokio::join!(bridge.create(Kind::Customer, &claim, Map::new()), async {
        other.bridge().observe(Scope::default()).await.unwrap();
        start.elapsed()
    });
    assert!(is_unreachable(&late), "{late:?}");
    assert!(
        (4_900..6_500).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
    assert!(
        swift < Duration::from_secs(3),
        "another platform isn't held up"
    );
    assert_eq!(fake.lines(), ["PUT /v1/customers/by-ref/hf-1"]);
}

#[tokio::test]
async fn a_dripping_answer_is_given_up_after_five_seconds() {
    // F25
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut socket, _) = listener.accept().await.unwrap();
        let head =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
        socket.write_all(head).await.unwrap();
        while socket.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let start = Instant::now();
    let answer = bridge(&url, &Arc::default(), Ok(()))
        .read(Kind::Customer, &id())
        .await;
    assert!(is_unreachable(&answer), "{answer:?}");
    assert!(
        start.elapsed() < Duration::from_millis(6_500),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn gateway_errors_leave_the_outcome_open() {
    // F4
    for status in [500, 502, 504] {
        let fake =
            Fake::start(move |_| Reply::raw(status, "text/html", "<html>gateway</html>")).await;
        let answer = fake
            .bridge()
            .create(Kind::Customer, &claim(), Map::new())
            .await;
        assert!(is_unreachable(&answer), "{answer:?}");
        assert_eq!(fake.lines().len(), 1);
    }
}

#[tokio::test]
async fn a_429_holds_for_everyone_on_the_credential() {
    // F11, I6
    let first = AtomicUsize::new(0);
    let fake = Fake::start(move |seen| match first.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::problem(429, "throttled").with("retry-after", "2"),
        _ => healthy(seen),
    })
    .await;
    let budgets = Arc::new(Budgets::default());
    let (one, two) = (
        bridge(&fake.url, &budgets, Ok(())),
        bridge(&fake.url, &budgets, Ok(())),
    );
    let start = Instant::now();
    let throttled = one.identify().await;
    assert_eq!(
        throttled,
        Err(PlatformError::Throttled {
            retry_after: Duration::from_secs(2)
        })
    );
    let (one, two) = tokio::join!(one.identify(), two.observe(Scope::default()));
    assert!(one.is_ok() && two.is_ok());
    assert!(
        fake.seen()
            .iter()
            .skip(1)
            .all(|seen| seen.at >= start + Duration::from_secs(2))
    );
}

#[tokio::test]
async fn an_absurd_wait_is_a_quarter_of_an_hour() {
    // F11
    let fake =
        Fake::start(|_| Reply::problem(503, "backend-unavailable").with("retry-after", "86400"))
            .await;
    let other = Fake::start(healthy).await;
    let budgets = Arc::new(Budgets::default());
    let bridge_of = |fake: &Fake| bridge(&fake.url, &budgets, Ok(()));
    let down = bridge_of(&fake);
    assert!(matches!(
        down.identify().await,
        Err(PlatformError::Unavailable(_))
    ));
    let Err(PlatformError::Throttled { retry_after }) = down.identify().await else {
        panic!("not held back")
    };
    assert!(
        (890..=900).contains(&retry_after.as_secs()),
        "{retry_after:?}"
    );
    assert_eq!(fake.lines().len(), 1, "the second one never left");
    assert!(
        bridge_of(&other).identify().await.is_ok(),
        "other platforms aren't touched"
    );
}

#[tokio::test]
async fn the_breaker_stops_asking_a_platform_that_is_down() {
    // F12
    let fake = Fake::start(|_| Reply::raw(502, "text/html", "")).await;
    let bridge = fake.bridge();
    for _ in 0..5 {
        assert!(is_unreachable(&bridge.identify().await));
    }
    let refused = bridge.create(Kind::Customer, &claim(), Map::new()).await;
    assert!(
        matches!(refused, Err(PlatformError::Unavailable(_))),
        "not sent, so its outcome isn't open: {refused:?}"
    );
    assert_eq!(fake.lines().len(), 5);
}

#[tokio::test]
async fn no_credential_follows_a_redirect() {
    // F32
    let elsewhere = Fake::start(healthy).await;
    for status in [301, 302, 303, 307, 308] {
        let target = elsewhere
            .url
            .join("/base/v1/capabilities")
            .unwrap()
            .to_string();
        let fake =
            Fake::start(move |_| Reply::raw(status, "text/html", "").with("location", &target))
                .await;
        let answer = fake.bridge().identify().await;
        assert!(
            matches!(&answer, Err(PlatformError::Garbled(text)) if text.contains("final address")),
            "{answer:?}"
        );
        assert!(is_garbled(
            &fake
                .bridge()
                .create(Kind::Customer, &claim(), Map::new())
                .await
        ));
    }
    assert_eq!(elsewhere.lines(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_set_up_safely_is_refused() {
    // F32, I5
    let setup = |endpoint: &str, token: &str, pem: Option<&[u8]>| {
        let mut options = options(
            &endpoint.parse().unwrap(),
            &Arc::default(),
            Ok(()),
            Arc::new(Outcomes::default()),
        );
        options.token = token.into();
        options.http.ca_bundle_pem = pem.map(<[u8]>::to_vec);
        Bridge::new(options).map(|_| ())
    };
    for endpoint in [
        "https://backup.example/",
        "http://127.0.0.1:9/",
        "http://[::1]:9/",
        "http://localhost:9/x/",
    ] {
        assert_eq!(setup(endpoint, TOKEN, None), Ok(()), "{endpoint}");
    }
    assert_eq!(
        setup("https://backup.example/", &format!("{TOKEN}\n"), None),
        Ok(()),
        "a file's last newline"
    );
    for endpoint in [
        "http://backup.example/",
        "http://10.0.0.1/",
        "ftp://backup.example/",
        "https://user:pass@backup.example/",
        "https://backup.example/?x=1",
        "https://backup.example/#x",
    ] {
        assert!(
            matches!(setup(endpoint, TOKEN, None), Err(SetupError::Endpoint(_))),
            "{endpoint}"
        );
    }
    for token in ["", " ", "a\nb", "gr\u{fc}n"] {
        assert!(
            matches!(
                setup("https://backup.example/", token, None),
                Err(SetupError::Credential(_))
            ),
            "{token:?}"
        );
    }
    let rubbish: &[u8] = b"not a certificate";
    assert!(matches!(
        setup("https://backup.example/", TOKEN, Some(rubbish)),
        Err(SetupError::CaBundle(_))
    ));
}

/// What the adapter says about an address that it can't connect to.
async fn said_of(url: &str) -> String {
    let bridge = bridge(&url.parse().unwrap(), &Arc::default(), Ok(()));
    bridge.identify().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_connection_that_fails_says_whether_name_network_or_tls_is_to_blame() {
    // F32: the API server's own certificate stands for a foreign one in the tests of the whole.
    let said = said_of("https://backup.invalid/").await;
    assert!(
        said.ends_with("no connection: the host's name can't be resolved"),
        "{said}"
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let said = said_of(&format!("https://{closed}/")).await;
    assert!(
        said.ends_with("no connection: the host refuses it at this port"),
        "{said}"
    );
    let fake = Fake::start(healthy).await;
    let said = said_of(&fake.url.as_str().replace("http:", "https:")).await;
    assert!(
        said.ends_with("no connection: the host doesn't speak TLS at this port"),
        "{said}"
    );
}

#[tokio::test]
async fn an_edit_that_is_forbidden_says_nothing_about_the_credential() {
    // F16
    let fake = Fake::start(|seen| match seen.method.as_str() {
        "GET" => Reply::json(200, item("1", "hf-1")),
        _ => Reply::raw(403, "text/plain", "no"),
    })
    .await;
    let bridge = fake.bridge();
    for _ in 0..6 {
        let refused = bridge
            .update(Kind::Customer, &id(), None, None, Map::new())
            .await;
        assert!(
            matches!(&refused, Err(PlatformError::Refused(problem)) if problem.detail.contains("answered 403")),
            "{refused:?}"
        );
    }
    assert_eq!(fake.seen().len(), 6);
    bridge
        .read(Kind::Customer, &id())
        .await
        .expect("the breaker is closed");
}

#[tokio::test]
async fn a_person_who_asks_gets_one_probe_through_an_open_breaker() {
    // F12
    let fake = Fake::start(|_| Reply::raw(500, "text/plain", "down")).await;
    let bridge = fake.bridge();
    for _ in 0..7 {
        assert!(bridge.read(Kind::Customer, &id()).await.is_err());
    }
    assert_eq!(fake.seen().len(), 5, "it is open");
    bridge.probe_now();
    for _ in 0..3 {
        assert!(bridge.read(Kind::Customer, &id()).await.is_err());
    }
    assert_eq!(fake.seen().len(), 6, "one probe");
}
