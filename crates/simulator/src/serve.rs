//! One estate on its own: `holdfast platform serve`.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Clock, CoveOptions, CovePlatform, DruvaCredentials, DruvaOptions, DruvaPlatform, Faults,
    HostError,
    estate::Estate,
    http::{self, Shared},
    server::{Server, Tls, kept_token, make_directory},
    single::{Single, beside},
};

/// How a single estate is served.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The estate's file; made if it isn't there.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What it shows for itself over TLS; plain HTTP when absent.
    pub tls: Option<Tls>,
    /// Extra time that every request takes.
    pub latency: Option<Duration>,
    /// File of faults, read again whenever it changes.
    pub faults: Option<PathBuf>,
    /// Bearer token; when absent one is kept in `FILE.token`. Of other dialects than the bridge's: the console's.
    pub token: Option<SecretString>,
    /// Which wire the estate is behind.
    pub dialect: Dialect,
    /// Client credentials of Druva's dialect; when absent they are kept in `FILE.credentials`.
    pub credentials: Option<DruvaCredentials>,
    /// The API user of Cove's dialect: partner, username and password, each of which has a default.
    pub cove_user: [Option<SecretString>; 3],
    /// How long a task of Druva's dialect takes.
    pub task_delay: Duration,
    /// How long a token of Druva's dialect is good.
    pub token_lifetime: Duration,
}

impl ServeOptions {
    /// The bridge contract at an address, without faults.
    pub fn new(data: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        let druva = DruvaOptions::new(data);
        Self {
            data: druva.data,
            listen,
            tls: None,
            latency: None,
            faults: None,
            token: None,
            dialect: Dialect::Bridge,
            credentials: None,
            cove_user: [const { None }; 3],
            task_delay: druva.task_delay,
            token_lifetime: druva.token_lifetime,
        }
    }
}

/// Wires that an estate can be behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// The bridge contract.
    #[default]
    Bridge,
    /// Druva's Managed Services Center.
    Druva,
    /// N-able's Cove Data Protection.
    Cove,
}

/// Serves one estate until the process is told to stop, after printing where.
///
/// # Errors
/// A file or an address that can't be used.
pub async fn serve(options: ServeOptions) -> Result<(), HostError> {
    match options.dialect {
        Dialect::Druva => return serve_druva(options).await,
        Dialect::Cove => return serve_cove(options).await,
        Dialect::Bridge => {}
    }
    let served = Served::start(options).await?;
    println!("platform: {}\ntoken: {}", served.server.url(), served.token);
    told_to_stop().await;
    served.stop().await;
    Ok(())
}

async fn serve_druva(options: ServeOptions) -> Result<(), HostError> {
    let data = &options.data;
    let kept = |given: bool, what: &str| {
        if given {
            "as given".to_owned()
        } else {
            format!("in {}", beside(data, what).display())
        }
    };
    let credentials = kept(options.credentials.is_some(), "credentials");
    let token = kept(options.token.is_some(), "token");
    let served = DruvaPlatform::start(DruvaOptions {
        listen: options.listen,
        tls: options.tls.clone(),
        latency: options.latency,
        faults: options
            .faults
            .as_deref()
            .map(Faults::from_file)
            .unwrap_or_default(),
        credentials: options.credentials.clone(),
        console_token: options.token.clone(),
        task_delay: options.task_delay,
        token_lifetime: options.token_lifetime,
        ..DruvaOptions::new(data)
    })
    .await?;
    println!(
        "platform: {}\ncredentials: {credentials}\nconsole token: {token}",
        served.url()
    );
    told_to_stop().await;
    served.shutdown().await;
    Ok(())
}

async fn serve_cove(options: ServeOptions) -> Result<(), HostError> {
    let data = &options.data;
    let [partner, username, password] = options.cove_user;
    let plain = |text: Option<SecretString>| text.map(|text| text.expose_secret().to_owned());
    let kept = if password.is_some() {
        "as given".to_owned()
    } else {
        format!("in {}", beside(data, "password").display())
    };
    let served = CovePlatform::start(CoveOptions {
        listen: options.listen,
        tls: options.tls.clone(),
        latency: options.latency,
        faults: options
            .faults
            .as_deref()
            .map(Faults::from_file)
            .unwrap_or_default(),
        partner: plain(partner),
        username: plain(username),
        password,
        console_token: options.token,
        visa_lifetime: options.token_lifetime,
        ..CoveOptions::new(data)
    })
    .await?;
    let user = served.credentials();
    println!(
        "platform: {}\npartner: {}\nusername: {}\npassword: {kept}",
        served.url(),
        user.partner,
        user.username
    );
    told_to_stop().await;
    served.shutdown().await;
    Ok(())
}

/// A single estate that is being served.
struct Served {
    server: Server,
    estate: Arc<Estate>,
    /// Where the token is, for people; never the token itself.
    token: String,
}

impl Served {
    async fn start(options: ServeOptions) -> Result<Self, HostError> {
        let ServeOptions {
            data,
            listen,
            tls,
            latency,
            faults,
            token,
            ..
        } = options;
        if let Some(directory) = data
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        {
            make_directory(directory)?;
        }
        let (token, whereabouts) = if let Some(token) = token {
            (token, "as given".to_owned())
        } else {
            let file = beside(&data, "token");
            (kept_token(&file)?, format!("in {}", file.display()))
        };
        let file = data.clone();
        let opening = tokio::task::spawn_blocking(move || {
            Estate::open(&file, "Embedded platform", Clock::system())
        });
        let opened = opening
            .await
            .map_err(|error| HostError::Serve(io::Error::other(error)))?;
        let opened = opened.map_err(|source| HostError::Estate {
            estate: data.display().to_string(),
            source,
        });
        let estate = Arc::new(opened?);
        let faults = faults.as_deref().map(Faults::from_file).unwrap_or_default();
        let estates = Box::new(Single(Arc::clone(&estate)));
        let shared = Shared {
            estates,
            token,
            latency,
            faults,
        };
        let server = Server::start(listen, tls.as_ref(), http::single(Arc::new(shared))).await?;
        Ok(Self {
            server,
            estate,
            token: whereabouts,
        })
    }

    async fn stop(self) {
        self.server.stop().await;
        let estate = self.estate;
        // Only a panic while closing could fail here; the file is durable at every commit.
        let _ = tokio::task::spawn_blocking(move || estate.close()).await;
    }
}

/// Interrupt or termination, whichever comes first.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! { _ = interrupted => (), _ = terminated.recv() => () }
        }
        Err(_) => drop(interrupted.await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_estate_is_served_with_a_token_that_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let (data, listen) = (
            directory.path().join("new/estate.sqlite"),
            SocketAddr::from(([127, 0, 0, 1], 0)),
        );
        let options = ServeOptions {
            latency: Some(Duration::from_millis(50)),
            ..ServeOptions::new(data, listen)
        };
        let mut accounts = Vec::new();
        for _ in 0..2 {
            let served = Served::start(options.clone()).await.expect("starts");
            let token = std::fs::read_to_string(directory.path().join("new/estate.sqlite.token"))
                .expect("a token");
            assert!(!served.token.contains(&token));
            let started = std::time::Instant::now();
            let url = format!("http://{}/v1/capabilities", served.server.address);
            let answer = reqwest::Client::new()
                .get(url)
                .bearer_auth(&token)
                .send()
                .await
                .expect("an answer");
            assert!(started.elapsed() >= Duration::from_millis(50));
            accounts.push(
                answer.json::<serde_json::Value>().await.expect("JSON")["account"]["id"].clone(),
            );
            served.stop().await;
        }
        assert!(accounts[0].is_string());
        assert_eq!(accounts[0], accounts[1]);
    }

    #[tokio::test]
    async fn a_token_that_is_given_is_not_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("estate.sqlite");
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let token = Some(SecretString::from("given"));
        let served = Served::start(ServeOptions {
            token,
            ..ServeOptions::new(data, listen)
        })
        .await
        .expect("starts");
        let url = format!("http://{}/v1/pool", served.server.address);
        let answer = reqwest::Client::new()
            .get(url)
            .bearer_auth("given")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        assert!(!directory.path().join("estate.sqlite.token").exists());
        served.stop().await;
    }
}
