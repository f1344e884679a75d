//! A Management Service in process, and somebody who calls it.

use holdfast_simulator::{CoveOptions, CovePlatform, Faults};
use reqwest::{Client, Response};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The API user's own partner.
pub const ROOT: i64 = 70_010;

pub struct Platform {
    pub cove: CovePlatform,
    client: Client,
    _directory: TempDir,
}

impl Platform {
    pub async fn start() -> Self {
        Self::start_with(Faults::default()).await
    }

    pub async fn start_with(faults: Faults) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let options = CoveOptions {
            faults,
            ..CoveOptions::new(directory.path().join("estate.sqlite"))
        };
        Self {
            cove: CovePlatform::start(options).await.expect("starts"),
            client: Client::new(),
            _directory: directory,
        }
    }

    /// What comes back for a body, whatever it is.
    pub async fn send(&self, body: &Value) -> reqwest::Result<Response> {
        self.client.post(self.cove.url()).json(body).send().await
    }

    async fn post(&self, body: &Value) -> Value {
        let answer = self.send(body).await.expect("an answer");
        assert_eq!(answer.status(), 200, "errors come with 200, too");
        answer.json().await.expect("JSON")
    }

    /// Logs in and calls a method; the whole answer.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let user = self.cove.credentials();
        let params_of_login = json!({"partner": user.partner, "username": user.username, "password": user.password.expose_secret()});
        let login =
            json!({"jsonrpc": "2.0", "id": "1", "method": "Login", "params": params_of_login});
        let visa = self.post(&login).await["visa"].clone();
        let call =
            json!({"jsonrpc": "2.0", "id": "2", "method": method, "params": params, "visa": visa});
        self.post(&call).await
    }

    /// Adds a partner; its id.
    pub async fn add(&self, info: Value) -> i64 {
        let answer = self.call("AddPartner", json!({"partnerInfo": info})).await;
        assert!(answer.get("error").is_none(), "{answer}");
        number(&answer["result"]["result"])
    }

    /// A partner as the estate has it, with what no read shows.
    pub async fn held(&self, id: i64) -> Value {
        let url = self.cove.url().replace("/jsonapi", "/console/state");
        let asked = self.client.get(url);
        let asked = asked.bearer_auth(self.cove.console_token().expose_secret());
        let answer = asked.send().await.expect("an answer");
        let state: Value = answer.json().await.expect("JSON");
        let partners = state["partners"].as_array().cloned().unwrap_or_default();
        let mut partners = partners.into_iter();
        partners
            .find(|partner| partner["Id"] == id)
            .expect("it is there")
    }

    /// A partner in full.
    pub async fn read(&self, id: i64) -> Value {
        let answer = self.call("GetPartnerInfoById", json!({"partnerId": id}));
        answer.await["result"]["result"].clone()
    }
}

pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no id: {value}"))
}

/// The number of a refusal.
pub fn refusal(answer: &Value) -> Option<i64> {
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    answer["error"]["data"].as_i64()
}
