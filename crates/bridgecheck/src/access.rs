//! Who gets in.

use serde_json::Map;

use crate::{
    finding::{Checked, ensure},
    kind::Kind,
    line::{Ask, Token},
    requirement::{TOKEN_MISSING, TOKEN_WRONG},
    session::Session,
};

impl Session {
    pub(crate) async fn check_access(&mut self) {
        for (requirement, token) in [(TOKEN_MISSING, Token::None), (TOKEN_WRONG, Token::Wrong)] {
            let result = self.keeps_out(token).await;
            self.note(requirement, None, result);
        }
    }

    async fn keeps_out(&mut self, token: Token) -> Checked {
        for path in [["capabilities"], ["customers"]] {
            let mut ask = Ask::get(&path);
            ask.token = token;
            self.line.send(ask).await?.refused(&[401], "unauthorized")?;
        }
        let letter = if token == Token::None { 'x' } else { 'y' };
        let name = self.name(Kind::Customer, letter);
        let body = Map::from_iter([("name".to_owned(), name.into())]);
        let mut ask = self.creation(Kind::Customer, letter, true, body);
        ask.token = token;
        let answer = self.line.send(ask).await?;
        answer.refused(&[401], "unauthorized")?;
        let reference = self.reference(Kind::Customer, letter);
        let answer = Ask::get(&[Kind::Customer.plural(), "by-ref", &reference]);
        let made = self.line.send(answer).await?;
        ensure(
            made.status != 200,
            "nothing is made without the token",
            "the customer is there",
        )
    }
}
