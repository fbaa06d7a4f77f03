//! Who somebody is, by what the provider said.

use model::{identities::Identity, users::EmailAddress};
use serde_json::{Map, Value};

use super::{OidcConfig, OidcError, UnsaidEmails, exchange::Said};

/// The greatest length of a name that people read, in characters.
const NAME_MAX_CHARS: usize = 64;
/// The claim that names those that are to be fetched elsewhere (OpenID Connect Core 5.6.2).
const CLAIM_NAMES: &str = "_claim_names";
/// The claim that tells whether the address is verified.
const VERDICT: &str = "email_verified";

/// Whether an address is the person's own, by the provider's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// It is.
    Verified,
    /// It is not, or nothing that is said is about it.
    Unverified,
    /// Nothing is said anywhere.
    Unsaid,
}

/// Somebody whom the provider knows.
#[derive(Debug)]
pub(super) struct Person {
    /// What is true of nobody else.
    pub(super) identity: Identity,
    /// The e-mail address, if there is a usable one.
    pub(super) email: Option<EmailAddress>,
    /// Whether the provider says that it is the person's own.
    pub(super) word: Word,
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
        // As it is: white space around it makes it somebody else's.
        let subject = said.token.get("sub").and_then(Value::as_str);
        let subject = subject.unwrap_or_default();
        let identity = Identity::new(&config.issuer, subject)
            .map_err(|error| OidcError::Token(error.into()))?;
        let (address, word) = email(&config.email_claim, &said);
        let claims = joined(said);
        let offered = [config.username_claim.as_str(), &config.email_claim, "name"];
        let names = offered.iter().filter_map(|claim| text(&claims, claim));
        Ok(Self {
            identity,
            names: names.map(str::to_owned).collect(),
            name: display_name(text(&claims, "name").unwrap_or_default()),
            email: address.and_then(|address| address.parse().ok()),
            word,
            claims: Value::Object(claims),
        })
    }

    /// The address that the provider vouches for.
    ///
    /// # Errors
    /// [`OidcError::EmailMissing`], [`OidcError::EmailUnverified`].
    pub(super) fn verified_email(&self) -> Result<&EmailAddress, OidcError> {
        self.email_by(|word| word == Word::Verified)
    }

    /// The address that a new account may have: one that the provider vouches for, or, where the operator trusts
    /// it to know its people's addresses, one of which it says nothing.
    ///
    /// # Errors
    /// [`OidcError::EmailMissing`], [`OidcError::EmailUnverified`].
    pub(super) fn email_for_sign_up(
        &self,
        config: &OidcConfig,
    ) -> Result<&EmailAddress, OidcError> {
        let trusted = config.unsaid_emails == UnsaidEmails::SignUp;
        self.email_by(|word| word == Word::Verified || (trusted && word == Word::Unsaid))
    }

    fn email_by(&self, good: impl Fn(Word) -> bool) -> Result<&EmailAddress, OidcError> {
        let email = self.email.as_ref().ok_or(OidcError::EmailMissing)?;
        if good(self.word) {
            Ok(email)
        } else {
            Err(OidcError::EmailUnverified)
        }
    }

    /// Refuses whoever has no address of the admitted domains that is good for a sign-up, if there are any.
    ///
    /// # Errors
    /// [`OidcError::EmailDomain`]; as [`Self::email_for_sign_up`].
    pub(super) fn admitted(&self, config: &OidcConfig) -> Result<(), OidcError> {
        let domains = &config.email_domains;
        if domains.is_empty() {
            return Ok(());
        }
        let email = self.email_for_sign_up(config)?;
        let domain = email.as_str().rsplit('@').next().unwrap_or_default();
        let admitted = domains.iter().any(|one| one.eq_ignore_ascii_case(domain));
        admitted.then_some(()).ok_or(OidcError::EmailDomain)
    }
}

/// Everything that was said, by the better word of each claim. Which claims stand elsewhere is what either says: one
/// that is only pointed at must not look as if the provider had left it out.
fn joined(said: Said) -> Map<String, Value> {
    let mut claims = said.token;
    for (claim, value) in said.userinfo {
        match (claims.get_mut(&claim), value) {
            (Some(Value::Object(known)), Value::Object(more)) if claim == CLAIM_NAMES => {
                for (name, source) in more {
                    known.entry(name).or_insert(source);
                }
            }
            (Some(_), _) => {}
            (None, value) => {
                claims.insert(claim, value);
            }
        }
    }
    claims
}

fn text<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a str> {
    let value = claims.get(claim).and_then(Value::as_str);
    value.map(str::trim).filter(|value| !value.is_empty())
}

/// The address, and whether it is verified: by whoever tells the address, or by the other about the same address,
/// so that what is said of one address never verifies another. An address is taken as it is: white space around it
/// makes it another one, which nobody verified.
fn email(claim: &str, said: &Said) -> (Option<String>, Word) {
    fn address<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a str> {
        let value = claims.get(claim).and_then(Value::as_str);
        value.filter(|value| !value.is_empty())
    }
    let told = [&said.token, &said.userinfo];
    let found = told.iter().find_map(|claims| address(claims, claim));
    let Some(found) = found.map(str::to_owned) else {
        return (None, Word::Unverified);
    };
    if !told.iter().any(|claims| claims.contains_key(VERDICT)) {
        return (Some(found), Word::Unsaid);
    }
    let same = |other: &str| other.eq_ignore_ascii_case(&found);
    let about_it = told.iter().filter(|claims| {
        // By the standard it speaks of `email`, whatever other claim an operator prefers.
        address(claims, claim).is_some_and(same) && address(claims, "email").is_none_or(same)
    });
    let mut verdicts = about_it.filter_map(|claims| claims.get(VERDICT));
    // The first verdict is the better one: an ID token that says no is not overruled.
    let word = if verdicts.next().is_some_and(yes) {
        Word::Verified
    } else {
        Word::Unverified
    };
    (Some(found), word)
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
            unsaid_emails: UnsaidEmails::Refused,
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
        read_by(&config(), token, userinfo)
    }

    fn read_by(config: &OidcConfig, token: &Value, userinfo: &Value) -> Person {
        let (mut token, userinfo) = (map(token), map(userinfo));
        token.insert("sub".to_owned(), json!("1"));
        Person::read(config, Said { token, userinfo }).unwrap()
    }

    #[test]
    fn an_address_is_verified_by_what_is_said_of_it_alone() {
        let check = |token: Value, userinfo: Value, email: Option<&str>, verified: bool| {
            let shown = format!("{token} {userinfo}");
            let person = read(&token, &userinfo);
            let found = person.email.as_ref().map(EmailAddress::as_str);
            let word = person.word == Word::Verified;
            assert_eq!((found, word), (email, verified), "{shown}");
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
    fn an_address_of_which_nothing_is_said_is_good_for_a_sign_up_where_the_operator_says_so() {
        let trusting = OidcConfig {
            unsaid_emails: UnsaidEmails::SignUp,
            ..config()
        };
        let check =
            |token: Value, userinfo: Value, sign_up: Option<&str>, trusted: Option<&str>| {
                let person = read(&token, &userinfo);
                for (config, expected) in [(config(), sign_up), (trusting.clone(), trusted)] {
                    let found = person.email_for_sign_up(&config).err();
                    let found = found.map(|error| error.kind());
                    assert_eq!(found, expected, "{token} {userinfo}");
                }
                // Whatever the operator says, it is not the provider's word.
                let word = person.verified_email().err().map(|error| error.kind());
                assert_eq!(word, sign_up, "{token} {userinfo}");
            };
        let email = || json!({"email": "ada@example.com"});
        let word = |word: Value| json!({"email": "ada@example.com", "email_verified": word});
        let (bad, missing) = (Some("email_unverified"), Some("email_missing"));
        check(word(json!(true)), json!({}), None, None);
        check(email(), json!({}), bad, None);
        check(json!({}), email(), bad, None);
        for no in [json!(false), json!("false"), json!(null), json!("yes")] {
            check(word(no.clone()), json!({}), bad, bad);
            check(email(), word(no.clone()), bad, bad);
            check(email(), json!({"email_verified": no}), bad, bad);
        }
        // Something is said, of another address.
        let other = json!({"email": "eve@example.com", "email_verified": true});
        check(email(), other, bad, bad);
        check(json!({}), json!({}), missing, missing);
    }

    #[test]
    fn a_claim_that_either_says_stands_elsewhere_does_so() {
        let token = json!({"sub": "ada-1", "_claim_names": {"groups": "a"}, "realm": "x"});
        let userinfo = json!({"_claim_names": {"orgs": "b", "groups": "c"}, "realm": "y"});
        let claims = read(&token, &userinfo).claims;
        let expected = json!({"groups": "a", "orgs": "b"});
        assert_eq!(
            (&claims["_claim_names"], &claims["realm"]),
            (&expected, &json!("x"))
        );
    }

    #[test]
    fn what_is_said_of_the_standard_claim_verifies_no_other() {
        let check = |claims: Value, word: Word| {
            let config = OidcConfig {
                email_claim: "upn".to_owned(),
                ..config()
            };
            for person in [
                read_by(&config, &claims, &json!({})),
                read_by(&config, &json!({}), &claims),
            ] {
                assert_eq!(person.word, word, "{claims}");
            }
        };
        let (a, b) = ("ada@example.com", "eve@example.com");
        check(
            json!({"upn": a, "email": b, "email_verified": true}),
            Word::Unverified,
        );
        check(
            json!({"upn": a, "email": "Ada@example.com", "email_verified": true}),
            Word::Verified,
        );
        check(json!({"upn": a, "email_verified": true}), Word::Verified);
        check(json!({"upn": a, "email": b}), Word::Unsaid);
    }

    #[test]
    fn white_space_makes_a_subject_and_an_address_another_one() {
        for space in [" ", "\u{3000}", "\u{a0}"] {
            for text in [format!("1{space}"), format!("{space}1")] {
                let token = map(
                    &json!({"sub": text, "email": text.replace('1', "a@b"), "email_verified": true}),
                );
                let userinfo = Map::new();
                let person = Person::read(&config(), Said { token, userinfo }).unwrap();
                assert_eq!(person.identity.subject(), text);
                assert_eq!(person.email, None);
            }
        }
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
            let config = OidcConfig {
                email_domains: domains.iter().map(ToString::to_string).collect(),
                ..config()
            };
            let found = person.admitted(&config).map_err(|error| error.kind());
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
