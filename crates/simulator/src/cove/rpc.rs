//! JSON-RPC as Cove has it: the envelope, the visa, the faults that were ordered, and which method does what.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    door::USER,
    fault::Fault,
    modes::CoveModes,
    partner::locations,
    shared::{Inner, Shared},
    world::{Document, ROOT, Table, World},
};
use crate::{Action, Fault as Ordered, Lie, Moment};

/// The outer result, or why there is none.
pub(super) type Outcome = Result<Value, Fault>;

/// One call of a method.
pub(super) struct Request<'a> {
    pub world: &'a mut World,
    pub modes: &'a CoveModes,
    pub params: &'a Value,
    pub now: Timestamp,
}

impl Request<'_> {
    pub fn number(&self, parameter: &str) -> Result<i64, Fault> {
        let number = self.params.get(parameter).and_then(Value::as_i64);
        number.ok_or_else(|| Fault::plain(format!("{parameter} is required")))
    }

    pub fn text(&self, parameter: &str) -> Result<&str, Fault> {
        let text = self.params.get(parameter).and_then(Value::as_str);
        text.ok_or_else(|| Fault::plain(format!("{parameter} is required")))
    }

    pub fn object(&self, parameter: &str) -> Result<&Document, Fault> {
        let object = self.params.get(parameter).and_then(Value::as_object);
        object.ok_or_else(|| Fault::plain(format!("{parameter} is required")))
    }

    pub fn write(&mut self, table: Table, id: i64, document: Document) -> Result<(), Fault> {
        let written = self.world.put(table, id, document);
        written.map_err(|error| Fault::plain(error.to_string()))
    }

    pub fn forget(&mut self, table: Table, id: i64) -> Result<Option<Document>, Fault> {
        let taken = self.world.take(table, id);
        taken.map_err(|error| Fault::plain(error.to_string()))
    }

    /// Names are case-sensitive.
    fn call(&mut self, method: &str) -> Outcome {
        match method {
            "GetServerInfo" => Ok(json!({"result": {"Version": "simulated"}})),
            "GetPartnerInfo" => self.get_partner_info(),
            "GetPartnerInfoById" => self.get_partner_info_by_id(),
            "GetPartnerState" => self.get_partner_state(),
            "GetAutoDeploymentPartnerState" => self.get_auto_deployment_partner_state(),
            "ModifyAutoDeploymentPartnerState" => self.modify_auto_deployment_partner_state(),
            "EnumeratePartners" => self.enumerate_partners(),
            "EnumerateChildPartners" => self.enumerate_child_partners(),
            "EnumerateRemovedPartners" => self.enumerate_removed_partners(),
            "AddPartner" => self.add_partner(),
            "ModifyPartner" => self.modify_partner(),
            "RemovePartner" => self.remove_partner(),
            "EnumerateLocations" => Ok(locations()),
            "EnumerateAccountStatistics" => self.enumerate_account_statistics(),
            "EnumerateAccounts" => self.enumerate_accounts(),
            "GetAccountInfoById" => self.get_account_info_by_id(),
            "AddAccount" => self.add_account(),
            "ModifyAccount" => self.modify_account(),
            "RemoveAccount" => self.remove_account(),
            _ => Err(Fault::plain(format!("there is no method {method}"))),
        }
    }
}

/// Answers `POST /jsonapi`.
pub(super) async fn answer(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    if let Some(latency) = shared.latency {
        tokio::time::sleep(latency).await;
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = request["method"].as_str().unwrap_or_default().to_owned();
    let actions = shared.faults.strike("POST", &format!("/jsonapi/{method}"));
    let mut after = Vec::new();
    for action in actions {
        match action {
            Action::Delay(delay) => tokio::time::sleep(delay).await,
            Action::Drop(Moment::Before) => return broken(),
            Action::Late(delay) => {
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    drop(shared.inner().handle(&request, shared.clock.now()));
                });
                return StatusCode::GATEWAY_TIMEOUT.into_response();
            }
            Action::Status {
                code,
                content_type,
                body,
                retry_after,
            } => return status(code, content_type, body, retry_after),
            other => after.push(other),
        }
    }
    let mut answer = shared.inner().handle(&request, shared.clock.now());
    for action in after {
        match action {
            Action::Drop(_) => return broken(),
            Action::List(lie) => distort(&mut answer, lie),
            Action::Truncate(length) => {
                let text = answer.to_string();
                return json_response(text.as_bytes()[..length.min(text.len())].to_vec());
            }
            _ => {}
        }
    }
    json_response(answer.to_string().into_bytes())
}

/// Whether this wire has a fault.
pub(super) fn may_befall(ordered: &Ordered) -> Result<(), String> {
    const ROUTES: &str = "/jsonapi/";
    let route = ordered.when.route.as_deref().unwrap_or_default();
    if !ROUTES.starts_with(route) && !route.starts_with(ROUTES) {
        return Err(format!("no route of this wire begins with {route}"));
    }
    match &ordered.then {
        Action::Status { .. }
        | Action::Delay(_)
        | Action::Drop(_)
        | Action::Late(_)
        | Action::Truncate(_)
        | Action::List(Lie::Empty | Lie::Half) => Ok(()),
        other => Err(format!("this wire doesn't have {other:?}")),
    }
}

fn distort(answer: &mut Value, lie: Lie) {
    if let Some(rows) = answer["result"]["result"].as_array_mut() {
        if lie == Lie::Empty {
            rows.clear();
            return;
        }
        let mut place = 0;
        rows.retain(|_| {
            place += 1;
            place % 2 == 0
        });
    }
}

fn json_response(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn status(
    code: u16,
    content_type: Option<String>,
    body: Option<String>,
    retry_after: Option<String>,
) -> Response {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (code, body.unwrap_or_default()).into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::RETRY_AFTER, retry_after),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The connection breaks.
fn broken() -> Response {
    let error = Err::<Bytes, _>(std::io::Error::other("broken"));
    Response::new(Body::from_stream(futures::stream::iter([error])))
}

impl Inner {
    /// The answer to a request.
    pub fn handle(&mut self, request: &Value, now: Timestamp) -> Value {
        let method = request["method"].as_str().unwrap_or_default();
        *self.counts.entry(method.to_owned()).or_default() += 1;
        let outcome = self.outcome(method, request, now);
        let mut answer = json!({"jsonrpc": "2.0", "id": request["id"]});
        // A refused login or visa brings no new one.
        let stranger = |fault: &Fault| {
            [super::fault::VISA, super::fault::LOGIN]
                .map(Some)
                .contains(&fault.number)
        };
        if !outcome.as_ref().is_err_and(stranger) {
            answer["visa"] = self.door.issue(ROOT, now).into();
        }
        match outcome {
            Ok(result) => answer["result"] = result,
            Err(fault) => answer["error"] = fault.body(),
        }
        answer
    }

    fn outcome(&mut self, method: &str, request: &Value, now: Timestamp) -> Outcome {
        let nothing = json!({});
        let params = request.get("params").unwrap_or(&nothing);
        if method == "Login" {
            self.door.login(params)?;
            let name = &self.door.credentials().username;
            return Ok(json!({"result": {
                "Id": USER, "PartnerId": ROOT, "Name": name, "EmailAddress": null, "RoleId": 1, "Flags": ["NonInteractive"],
            }}));
        }
        let visa = request.get("visa").and_then(Value::as_str);
        self.door.admits(visa, now, self.modes.newest_visa_only)?;
        if self.modes.refused_methods.iter().any(|one| one == method) {
            return Err(Fault::new(
                super::fault::FORBIDDEN,
                "Refused for security reasons",
            ));
        }
        Request {
            world: &mut self.world,
            modes: &self.modes,
            params,
            now,
        }
        .call(method)
    }
}
