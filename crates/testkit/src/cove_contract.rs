//! What Holdfast calls of Cove's interface, as a validator: whether `tests/contracts/cove.json` has a request, and its answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::tap::Heard;

const DOCUMENT: &str = include_str!("../../../tests/contracts/cove.json");

/// The contract, with its schemas ready for use.
pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// Reads the copy in `tests/contracts`.
    pub fn load() -> Self {
        Self {
            document: serde_json::from_str(DOCUMENT).expect("the contract is JSON"),
            validators: Mutex::default(),
        }
    }

    /// The methods that it has.
    pub fn methods(&self) -> Vec<String> {
        let methods = self.document["methods"].as_object().expect("methods");
        methods.keys().cloned().collect()
    }

    /// Whether the contract has this request: method, parameters, and the visa where it belongs.
    pub fn check_request(&self, request: &Value) -> Result<(), String> {
        self.check("/envelope/request", request)?;
        let method = self.method(request)?;
        if (method == "Login") == request.get("visa").is_some() {
            return Err(format!("{method}: a visa goes with every call but Login"));
        }
        let place = format!("/methods/{method}/params");
        let checked = self.check(&place, &request["params"]);
        checked.map_err(|error| format!("{method}: {error}"))
    }

    /// Whether the contract has this answer to a request.
    pub fn check_answer(&self, request: &Value, answer: &Value) -> Result<(), String> {
        let method = self.method(request)?;
        let within = |error: String| format!("{method}: the answer: {error}");
        self.check("/envelope/answer", answer).map_err(within)?;
        if answer["id"] != request["id"] {
            return Err(within("it is to another request".to_owned()));
        }
        if answer.get("error").is_some() {
            return Ok(());
        }
        let place = format!("/methods/{method}/result");
        self.check(&place, &answer["result"]).map_err(within)
    }

    /// Whether the contract has everything that was heard on a line. An answer that a fault has spoilt isn't judged.
    pub fn judge(&self, heard: &[Heard]) -> Vec<String> {
        let calls = heard
            .iter()
            .filter(|heard| heard.line.ends_with("/jsonapi"));
        let wrong = |heard: &Heard| {
            self.check_request(&heard.body).err().or_else(|| {
                let whole = heard.answer.get("jsonrpc").is_some();
                let answer = whole.then_some(&heard.answer)?;
                self.check_answer(&heard.body, answer).err()
            })
        };
        calls.filter_map(wrong).collect()
    }

    fn method<'a>(&self, request: &'a Value) -> Result<&'a str, String> {
        let method = request["method"].as_str().unwrap_or_default();
        if self.document["methods"].get(method).is_some() {
            return Ok(method);
        }
        Err(format!("{method} isn't a method of the contract"))
    }

    fn check(&self, place: &str, value: &Value) -> Result<(), String> {
        let errors: Vec<String> = self
            .validator(place)
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join("; "))
        }
    }

    fn validator(&self, place: &str) -> Arc<Validator> {
        let mut known = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let mut schema = self.document.clone();
            schema["$ref"] = json!(format!("#{place}"));
            let validator = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .build(&schema)
                .expect("a schema of the contract");
            Arc::new(validator)
        };
        Arc::clone(known.entry(place.to_owned()).or_insert_with(make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, params: Value) -> Value {
        json!({"jsonrpc": "2.0", "id": "1", "method": method, "visa": "v", "params": params})
    }

    #[test]
    fn the_judge_refuses_what_the_documents_dont_have() {
        let contract = Contract::load();
        let read = |params| request("GetPartnerInfoById", params);
        assert_eq!(
            contract.check_request(&read(json!({"partnerId": 7}))),
            Ok(())
        );
        let mut wrong = vec![
            read(json!({"PartnerId": 7})),
            read(json!({"partnerId": "7"})),
            read(json!({"partnerId": 7, "visa": "v"})),
            request("getPartnerInfoById", json!({"partnerId": 7})),
            request(
                "ModifyPartner",
                json!({"partnerInfo": {"Id": 7, "ExternalCode": ""}}),
            ),
            request(
                "ModifyPartner",
                json!({"partnerInfo": {"Id": 7, "LocationId": 1}}),
            ),
            request(
                "ModifyPartner",
                json!({"partnerInfo": {"Id": 7}, "forceRemoveCustomColumnValuesInOldScope": "yes"}),
            ),
            request(
                "Login",
                json!({"partner": "a", "username": "b", "password": "c"}),
            ),
        ];
        let switch = |state: &str| {
            request(
                "ModifyAutoDeploymentPartnerState",
                json!({"partnerId": 7, "autoDeploymentState": state}),
            )
        };
        assert_eq!(contract.check_request(&switch("Enable")), Ok(()));
        wrong.push(switch("Unspecified"));
        let count = |params| request("EnumerateChildPartners", params);
        let right = json!({"partnerId": 7, "fields": [0, 1], "partnerFilter": {}});
        assert_eq!(contract.check_request(&count(right)), Ok(()));
        wrong.extend([
            count(json!({"parentPartnerId": 7, "fields": [0], "partnerFilter": {}})),
            count(json!({"partnerId": 7, "fields": [0], "partnerFilter": {"Levels": []}})),
            count(json!({"partnerId": 7, "partnerFilter": {}})),
        ]);
        for column in ["I3", "D1F9", "T7", "D01F9"] {
            let query = json!({"PartnerId": 7, "StartRecordNumber": 0, "RecordsCount": 1, "Columns": [column]});
            wrong.push(request(
                "EnumerateAccountStatistics",
                json!({"query": query}),
            ));
        }
        let mut without = read(json!({"partnerId": 7}));
        without.as_object_mut().expect("an object").remove("visa");
        wrong.push(without);
        for request in wrong {
            assert!(contract.check_request(&request).is_err(), "{request}");
        }
    }

    #[test]
    fn the_judge_refuses_answers_of_another_form() {
        let contract = Contract::load();
        let asked = request("RemovePartner", json!({"partnerId": 7}));
        let answer = |more: Value| {
            let mut answer = json!({"jsonrpc": "2.0", "id": "1", "visa": "w"});
            answer
                .as_object_mut()
                .expect("an object")
                .extend(more.as_object().cloned().unwrap_or_default());
            contract.check_answer(&asked, &answer)
        };
        assert_eq!(answer(json!({"result": null})), Ok(()));
        assert_eq!(
            answer(json!({"error": {"code": -32603, "data": 1701, "message": "m"}})),
            Ok(())
        );
        for wrong in [
            json!({}),
            json!({"result": {"result": null}}),
            json!({"result": null, "error": {"code": 1, "message": ""}}),
            json!({"id": "2", "result": null}),
        ] {
            assert!(answer(wrong.clone()).is_err(), "{wrong}");
        }
        let asked = request("EnumerateChildPartners", json!({}));
        let counted = |result: Value| {
            let answer =
                json!({"jsonrpc": "2.0", "id": "1", "visa": "w", "result": {"result": result}});
            contract.check_answer(&asked, &answer)
        };
        assert_eq!(
            counted(json!({"ActualChildCount": 2, "Children": null})),
            Ok(())
        );
        assert!(counted(json!({"Children": []})).is_err());
    }
}
