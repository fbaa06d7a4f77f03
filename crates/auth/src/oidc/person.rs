//! Who somebody is, by what the provider said.

use model::{identities::Identity, users::EmailAddress};
use serde_json::{Map, Value};

use super::{OidcConfig, OidcError, exchange::Said};

/// The greatest length of a name that people read, in characters.
const NAME_MAX_CHARS: usize = 64;

/// Somebody whom the provider knows.
#[derive(Debug)]
pub(super) struct Person {
    /// What is true of nobody else.
    pub(super) identity: Identity,
    /// The e-mail address, if there is a usable one.
    pub(super) email: Option<EmailAddress>,
    /// Whether the provider says that it is the person's own.
    pub(super) email_verified: bool,
    /// What an account may be named after, best first.
    pub(super) names: Vec<String>,
    /// The name that people read; may be empty.
    pub(super) name: String,
    /// Everything that was said.
    pub(super) claims: Value,
}

impl Person {
    /// Reads what was said. What the ID token says wins, since it is signed.
    pub(super) fn read(config: &OidcConfig, said: Said) -> Result<Self, OidcError> {
        let subject = text(&said.token, "sub").unwrap_or_default();
        let identity = Identity::new(&config.issuer, subject)
            .map_err(|error| OidcError::Token(error.into()))?;
        let (address, email_verified) = email(&config.email_claim, &said);
        let mut claims = said.token;
        for (claim, value) in said.userinfo {
            claims.entry(claim).or_insert(value);
        }
        let offered = [config.username_claim.as_str(), &config.email_claim, "name"];
        let names = offered.iter().filter_map(|claim| text(&claims, claim));
        Ok(Self {
            identity,
            names: names.map(str::to_owned).collect(),
            name: display_name(text(&claims, "name").unwrap_or_default()),
            email: address.and_then(|address| address.parse().ok()),
            email_verified,
            claims: Value::Object(claims),
        })
    }

    /// The address that the provider vouches for.
    ///
    /// # Errors
    /// [`OidcError::EmailMissing`], [`OidcError::EmailUnverified`].
    pub(super) fn verified_email(&self) -> Result<&EmailAddress, OidcError> {
        let email = self.email.as_ref().ok_or(OidcError::EmailMissing)?;
        if self.email_verified {
            Ok(email)
        } else {
            Err(OidcError::EmailUnverified)
        }
    }

    /// Refuses whoever has no verified address of these domains, if there are any.
    ///
    /// # Errors
    /// [`OidcError::EmailDomain`]; as [`Self::verified_email`].
    pub(super) fn admitted(&self, domains: &[String]) -> Result<(), OidcError> {
        if domains.is_empty() {
            return Ok(());
        }
        let email = self.verified_email()?;
        let domain = email.as_str().rsplit('@').next().unwrap_or_default();
        let admitted = domains.iter().any(|one| one.eq_ignore_ascii_case(domain));
        admitted.then_some(()).ok_or(OidcError::EmailDomain)
    }
}

fn text<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a str> {
    let value = claims.get(claim).and_then(Value::as_str);
    value.map(str::trim).filter(|value| !value.is_empty())
}

/// The address, and whether it is verified: by whoever tells the address, or by the other about the same address,
/// so that what is said of one address never verifies another.
fn email(claim: &str, said: &Said) -> (Option<String>, bool) {
    let told = [&said.token, &said.userinfo];
    let address = told.iter().find_map(|claims| text(claims, claim));
    let Some(address) = address.map(str::to_owned) else {
        return (None, false);
    };
    let about_it = told.iter().filter(|claims| {
        text(claims, claim).is_some_and(|other| other.eq_ignore_ascii_case(&address))
    });
    let mut verdicts = about_it.filter_map(|claims| claims.get("email_verified"));
    // The first verdict is the better one: an ID token that says no is not overruled.
    let verified = verdicts.next().is_some_and(yes);
    (Some(address), verified)
}

/// True, or the word for it, which some providers send.
fn yes(value: &Value) -> bool {
    *value == Value::Bool(true)
        || value
            .as_str()
            .is_some_and(|word| word.eq_ignore_ascii_case("true"))
}

fn display_name(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(NAME_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{super::Signups, *};

    fn config() -> OidcConfig {
        OidcConfig {
            issuer: "https://id.example".to_owned(),
            client_id: "bursar".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            username_claim: "preferred_username".to_owned(),
            email_claim: "email".to_owned(),
            signups: Signups::Allowed,
            email_domains: Vec::new(),
            sign_in_text: String::new(),
            access_url: "https://bursar.example".parse().unwrap(),
            timeout: Duration::from_secs(1),
        }
    }

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn read(token: &Value, userinfo: &Value) -> Person {
        let (mut token, userinfo) = (map(token), map(userinfo));
        token.insert("sub".to_owned(), json!("1"));
        Person::read(&config(), Said { token, userinfo }).unwrap()
    }

    #[test]
    fn an_address_is_verified_by_what_is_said_of_it_alone() {
        let check = |token: Value, userinfo: Value, email: Option<&str>, verified: bool| {
            let shown = format!("{token} {userinfo}");
            let person = read(&token, &userinfo);
            let found = person.email.as_ref().map(EmailAddress::as_str);
            assert_eq!((found, person.email_verified), (email, verified), "{shown}");
        };
        let (a, b) = ("ada@example.com", "eve@example.com");
        let nothing = || json!({});
        check(nothing(), nothing(), None, false);
        check(json!({"email": a}), nothing(), Some(a), false);
        check(json!({"email_verified": true}), nothing(), None, false);
        for (word, verified) in [
            (json!(true), true),
            (json!("true"), true),
            (json!("True"), true),
            (json!(false), false),
            (json!("false"), false),
            (json!("yes"), false),
            (json!(1), false),
            (json!(null), false),
            (json!([true]), false),
        ] {
            let said = json!({"email": a, "email_verified": word});
            check(said.clone(), nothing(), Some(a), verified);
            check(nothing(), said, Some(a), verified);
        }
        // The other place speaks of the same address, or of another one.
        let other = |email: &str| json!({"email": email, "email_verified": true});
        check(json!({"email": a}), other("ADA@example.com"), Some(a), true);
        check(json!({"email": a}), other(b), Some(a), false);
        check(
            json!({"email": a}),
            json!({"email_verified": true}),
            Some(a),
            false,
        );
        let no = json!({"email": a, "email_verified": false});
        check(no, other(a), Some(a), false);
        check(json!({"email": "no address"}), nothing(), None, false);
        check(
            json!({"email": ["ada@example.com"]}),
            nothing(),
            None,
            false,
        );
    }

    #[test]
    fn the_id_token_wins_over_the_userinfo_endpoint() {
        let person = read(
            &json!({"name": "Ada\u{7} L.", "groups": ["a"]}),
            &json!({"name": "Eve", "groups": ["b"], "preferred_username": "ada", "sub": "1"}),
        );
        assert_eq!(person.name, "Ada L.");
        assert_eq!(person.names, ["ada", "Ada\u{7} L."]);
        assert_eq!(person.claims["groups"], json!(["a"]));
        assert_eq!(person.claims["preferred_username"], "ada");
    }

    #[test]
    fn domains_are_those_of_verified_addresses() {
        let check = |email: &str, verified: bool, domains: &[&str], kind: Option<&str>| {
            let person = read(
                &json!({"email": email, "email_verified": verified}),
                &json!({}),
            );
            let domains: Vec<_> = domains.iter().map(ToString::to_string).collect();
            let found = person.admitted(&domains).map_err(|error| error.kind());
            assert_eq!(found.err(), kind, "{email}");
        };
        check("ada@example.com", false, &[], None);
        check("ada@example.com", true, &["x.org", "Example.com"], None);
        check(
            "ada@example.com",
            false,
            &["example.com"],
            Some("email_unverified"),
        );
        check(
            "ada@evil-example.com",
            true,
            &["example.com"],
            Some("email_domain"),
        );
        check(
            "ada@sub.example.com",
            true,
            &["example.com"],
            Some("email_domain"),
        );
        check("", true, &["example.com"], Some("email_missing"));
    }

    #[test]
    fn nobody_is_without_a_subject() {
        for subject in [
            json!(null),
            json!(""),
            json!(7),
            json!("a\nb"),
            json!("x".repeat(300)),
        ] {
            let token = map(&json!({"sub": subject}));
            let said = Said {
                token,
                userinfo: Map::new(),
            };
            assert_eq!(
                Person::read(&config(), said).unwrap_err().kind(),
                "token_invalid"
            );
        }
    }
}
