//! Global ids of people: the scalar `UserID`.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use model::UserId;

use super::failure::{Code, Failure};

/// The applications whose global ids name people here: this one, and the one whose clients already exist.
const APPS: [&str; 2] = ["bursar", "gitlab"];

/// A person's global id, as it was written. It is looked into by [`GlobalId::read`], so that a wrong one is answered in
/// the words that clients know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GlobalId(String);

/// A global id of a person: `gid://bursar/User/<uuid>`. `gid://gitlab/User/…` is taken as well.
#[Scalar(name = "UserID")]
impl ScalarType for GlobalId {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl From<UserId> for GlobalId {
    fn from(id: UserId) -> Self {
        Self(format!("gid://bursar/User/{id}"))
    }
}

impl GlobalId {
    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whose it is; `None` when it is well-formed but can be nobody's here, as one with a number is.
    ///
    /// # Errors
    /// When it is no global id of a person.
    pub(super) fn read(&self) -> Result<Option<UserId>, Failure> {
        let wrong = |why: &str| Failure::told(Code::InvalidArgument, format!("{:?} {why}", self.0));
        let not_one = || wrong("is not a valid Global ID");
        let rest = self.0.strip_prefix("gid://").ok_or_else(not_one)?;
        let mut parts = rest.split('/');
        let (Some(app), Some(model), Some(id), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(not_one());
        };
        let word = |text: &str| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte);
            !text.is_empty() && text.bytes().all(good)
        };
        if ![app, model, id].into_iter().all(word) {
            return Err(not_one());
        }
        if !APPS.contains(&app) {
            return Err(wrong("is not a Gitlab Global ID"));
        }
        if model != "User" {
            return Err(wrong("does not represent an instance of User"));
        }
        // One spelling, so that who is named twice is found out.
        let found: Option<UserId> = id.parse().ok();
        Ok(found.filter(|found| id.eq_ignore_ascii_case(&found.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_names_a_person_or_says_why_not() {
        let check = |text: &str, expected: Result<Option<u128>, &str>| {
            let found = GlobalId(text.to_owned()).read();
            let found = found.map(|id| id.map(|id| id.0.as_u128()));
            let found = found.map_err(|failure| failure.to_string());
            assert_eq!(found, expected.map_err(ToOwned::to_owned), "{text}");
        };
        let uuid = "00000000-0000-0000-0000-00000000000A";
        check(&format!("gid://bursar/User/{uuid}"), Ok(Some(10)));
        check(&format!("gid://gitlab/User/{uuid}"), Ok(Some(10)));
        check("gid://gitlab/User/1", Ok(None));
        let simple = uuid.replace('-', "");
        check(&format!("gid://bursar/User/{simple}"), Ok(None));
        check(&format!("gid://bursar/User/urn:uuid:{uuid}"), Ok(None));
        let braced = format!("gid://bursar/User/{{{uuid}}}");
        let not_one = format!("{braced:?} is not a valid Global ID");
        check(&braced, Err(&not_one));
        check("x", Err("\"x\" is not a valid Global ID"));
        check("", Err("\"\" is not a valid Global ID"));
        check(
            "gid://gitlab/User",
            Err("\"gid://gitlab/User\" is not a valid Global ID"),
        );
        check(
            "gid://gitlab/User/1/2",
            Err("\"gid://gitlab/User/1/2\" is not a valid Global ID"),
        );
        check(
            "gid://gitlab/User/",
            Err("\"gid://gitlab/User/\" is not a valid Global ID"),
        );
        check(
            "gid://foo/User/1",
            Err("\"gid://foo/User/1\" is not a Gitlab Global ID"),
        );
        check(
            "gid://gitlab/Project/1",
            Err("\"gid://gitlab/Project/1\" does not represent an instance of User"),
        );
    }
}
