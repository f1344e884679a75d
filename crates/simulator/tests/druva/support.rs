//! A platform in process, and a client whose every request and answer is checked against Druva's document.

use std::sync::LazyLock;

use holdfast_simulator::{
    Action, Clock, DruvaCredentials, DruvaOptions, DruvaPlatform, Fault, When,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use holdfast_testkit::druva_contract::Contract;

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::load);

/// What the clock stands at when a platform starts.
pub const NOW: &str = "2026-11-22T12:00:00Z";

/// An answer that fits the contract.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// The body of an answer with the expected status.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }
}

pub struct Platform {
    pub druva: DruvaPlatform,
    pub clock: Clock,
    pub directory: TempDir,
    pub token: String,
    client: Client,
}

impl Platform {
    /// A fresh platform at noon of a day, and a token.
    pub async fn start() -> Self {
        Self::start_with(|options| options).await
    }

    pub async fn start_with(edit: impl FnOnce(DruvaOptions) -> DruvaOptions) -> Self {
        let now: Timestamp = NOW.parse().expect("an instant");
        let directory = tempfile::tempdir().expect("a directory");
        Self::start_in(directory, Clock::fixed(now), edit).await
    }

    async fn start_in(
        directory: TempDir,
        clock: Clock,
        edit: impl FnOnce(DruvaOptions) -> DruvaOptions,
    ) -> Self {
        let options = DruvaOptions {
            clock: clock.clone(),
            ..DruvaOptions::new(directory.path().join("estate.sqlite"))
        };
        let druva = DruvaPlatform::start(edit(options)).await.expect("starts");
        let mut platform = Self {
            druva,
            clock,
            directory,
            token: String::new(),
            client: Client::new(),
        };
        platform.renew().await;
        platform
    }

    /// Stops it and starts another on the same data.
    pub async fn restart(self) -> Self {
        self.druva.shutdown().await;
        Self::start_in(self.directory, self.clock, |options| options).await
    }

    /// Gets another token.
    pub async fn renew(&mut self) {
        let credentials = self.druva.credentials();
        let answer = self.exchange(&credentials).await.expect(200);
        answer["access_token"]
            .as_str()
            .expect("a token")
            .clone_into(&mut self.token);
    }

    /// Exchanges credentials for a token.
    pub async fn exchange(&self, credentials: &DruvaCredentials) -> Answer {
        let request = self
            .client
            .post(format!("{}/msp/auth/v1/token", self.druva.url()))
            .basic_auth(
                &credentials.client_id,
                Some(credentials.secret_key.expose_secret()),
            )
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let form = json!({"grant_type": "client_credentials"});
        self.send(request.build().expect("a request"), Some(&form), true)
            .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A request that the contract has.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.request(method, path, body, true).await
    }

    /// A request that the contract doesn't have; its answer must still be one.
    pub async fn wrong(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.request(method, path, body, false).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        checked: bool,
    ) -> Answer {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.druva.url()))
            .bearer_auth(&self.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        self.send(request.build().expect("a request"), body.as_ref(), checked)
            .await
    }

    async fn send(&self, request: reqwest::Request, body: Option<&Value>, checked: bool) -> Answer {
        let (method, url) = (request.method().clone(), request.url().clone());
        if checked {
            let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let headers: Vec<(String, String)> = request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
                .collect();
            let verdict =
                CONTRACT.check_request(method.as_str(), url.path(), &query, &headers, body);
            assert_eq!(verdict, Ok(()));
        }
        let response = self.client.execute(request).await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a body");
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect("JSON")
        };
        let verdict = CONTRACT.check_response(method.as_str(), url.path(), status.as_u16(), &body);
        assert_eq!(verdict, Ok(()), "{body}");
        Answer { status, body }
    }

    /// A request that nothing is said about.
    pub async fn raw(&self, path: &str) -> Result<(StatusCode, String), reqwest::Error> {
        let url = format!("{}{path}", self.druva.url());
        let answer = self.client.get(url).bearer_auth(&self.token).send().await?;
        Ok((answer.status(), answer.text().await?))
    }

    /// A request of a person at the console, on the bridge's routes or those of the console alone.
    pub async fn console(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, body) = self.at_the_console(method, path, body, "console").await;
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    pub async fn at_the_console(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        actor: &str,
    ) -> (StatusCode, Value) {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.druva.url()))
            .bearer_auth(self.druva.console_token().expose_secret())
            .header("X-Actor", actor);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// The task of a write that was taken, after its time.
    pub async fn finished(&self, answer: Answer) -> Value {
        let task = answer.expect(200);
        let id = task["task"]["id"].as_str().expect("a task").to_owned();
        self.clock.advance(SignedDuration::from_millis(300));
        let task = self.task(&id).await;
        assert_eq!(task["status"], 4, "{task}");
        task
    }

    pub async fn task(&self, id: &str) -> Value {
        self.get(&format!("/msp/v2/tasks/{id}")).await.expect(200)
    }

    /// What a write that went well was done to.
    pub async fn entity(&self, answer: Answer) -> String {
        let task = self.finished(answer).await;
        assert_eq!(task["output"]["failed"], 0, "{task}");
        task["output"]["successResp"]["entityId"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// The number of the error of a write that its task refused.
    pub async fn failure(&self, answer: Answer) -> i64 {
        let task = self.finished(answer).await;
        assert_eq!(task["output"]["failed"], 1, "{task}");
        task["output"]["errorResp"]["code"]
            .as_i64()
            .expect("a number")
    }

    /// Makes a customer.
    pub async fn customer(&self, name: &str) -> String {
        self.entity(self.post("/msp/v3/customers", customer(name)).await)
            .await
    }

    /// Makes a tenant.
    pub async fn tenant(&self, customer: &str, body: Value) -> String {
        let path = format!("/msp/v3/customers/{customer}/tenants");
        self.entity(self.post(&path, body).await).await
    }

    /// All entries of a list, over all pages.
    pub async fn all(&self, path: &str, list: &str) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut answer = self.get(path).await.expect(200);
        loop {
            entries.extend(answer[list].as_array().expect("a list").clone());
            let next = answer["nextPageToken"].as_str().expect("a text").to_owned();
            if next.is_empty() {
                return entries;
            }
            let bare = path.split('?').next().expect("a path");
            answer = self
                .get(&format!("{bare}?pageToken={next}"))
                .await
                .expect(200);
        }
    }

    /// All rows of a report, over all pages.
    pub async fn report(&self, path: &str, filters: Value) -> Vec<Value> {
        let path = format!("/msp/reporting/{path}");
        let mut rows = Vec::new();
        let mut body = json!({"filters": filters, "pageToken": ""});
        loop {
            let answer = self.post(&path, body).await.expect(200);
            rows.extend(answer["data"].as_array().expect("rows").clone());
            let next = answer["nextPageToken"].as_str().expect("a text");
            if next.is_empty() {
                return rows;
            }
            body = json!({"pageToken": next});
        }
    }

    /// The newest day that reports have figures of, by the system's clock.
    pub fn yesterday() -> String {
        let at = Timestamp::now() - SignedDuration::from_hours(24);
        format!("{}T00:00:00Z", at.strftime("%F"))
    }

    /// The number of the plan that every estate begins with.
    pub async fn plan(&self) -> i64 {
        let plans = self.all("/msp/v3/servicePlans", "servicePlans").await;
        plans[0]["id"].as_i64().expect("a number")
    }

    /// Makes a plan, as only the console does.
    pub async fn console_plan(&self, name: &str, products: Value) -> i64 {
        let path = format!("/v1/plans/by-ref/{name}");
        let plan = json!({"name": name, "products": products});
        let made = self.console(Method::PUT, &path, Some(plan)).await;
        made["id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("a number")
    }

    pub fn fault(&self, name: &str, when: When, then: Action) {
        let name = name.to_owned();
        self.druva.faults().add(Fault { name, when, then });
    }

    /// Ordered for the next request of a method.
    pub fn once(&self, method: &str, then: Action) {
        let when = When {
            method: Some(method.to_owned()),
            times: Some(1),
            ..When::default()
        };
        self.fault("once", when, then);
    }
}

/// A customer to make.
pub fn customer(name: &str) -> Value {
    json!({
        "accountName": name,
        "customerName": name,
        "address": "1 High St, Leeds",
        "phone": "+441130000000",
        "attributes": [{"name": "licenseManagementAllowed", "value": "1"}],
    })
}

/// A tenant of Enterprise Workloads to make.
pub fn workloads(plan: i64) -> Value {
    json!({
        "productID": 1,
        "servicePlanID": plan,
        "tenantType": 3,
        "licenseExpiryDate": "2028-12-31T00:00:00Z",
        "quota": 25.0,
        "quotaStartDate": "2026-10-01T00:00:00Z",
        "quotaEndDate": "2027-12-31T00:00:00Z",
        "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}],
        "features": [{"name": "Enterprise Workloads", "attrs": []}],
    })
}

/// A tenant of the other product to make, with what the first plan forces on.
pub fn saas(plan: i64) -> Value {
    let counted = |name: &str, users: i64| json!({"name": name, "attrs": [{"name": "userCount", "value": users}, {"name": "preservedUserCount", "value": 5}]});
    json!({
        "productID": 2,
        "servicePlanID": plan,
        "tenantType": 2,
        "licenseExpiryDate": "2028-12-31T00:00:00Z",
        "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}],
        "features": [
            counted("M365", 40),
            counted("Google Workspace", 0),
            counted("Endpoints", 10),
            {"name": "Salesforce", "attrs": []},
        ],
    })
}

/// A body with another value at a place.
pub fn but(mut body: Value, pointer: &str, value: Value) -> Value {
    if let Some(place) = body.pointer_mut(pointer) {
        *place = value;
        return body;
    }
    let (above, member) = pointer.rsplit_once('/').expect("a place below another");
    body.pointer_mut(above).expect("the place exists")[member] = value;
    body
}
