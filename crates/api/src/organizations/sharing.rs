//! The rule about sharing workspaces as the wire writes it: three words, and two older booleans.

use bursar_sdk::ValidationError;
use rbac::ShareableOwners;

use crate::{error::ApiError, validate::Checked};

/// What is said of a value that cannot be one, whichever endpoint it came to.
const INVALID: &str = "Invalid shareable workspace owners value.";
/// The field of the present word.
const OWNERS: &str = "shareable_workspace_owners";

/// The rule that a request names, if it names one.
#[derive(Debug, Default)]
pub(crate) struct SharingFields<'a> {
    /// The word.
    pub(crate) owners: Option<&'a str>,
    /// Older fields by name: true is `none`, and false is `everyone` when nothing else is said.
    pub(crate) disabled: [(&'static str, Option<bool>); 2],
}

impl<'a> SharingFields<'a> {
    /// Those of a request that knows the oldest field only.
    pub(crate) const fn new(
        owners: Option<&'a str>,
        workspace_sharing_disabled: Option<bool>,
    ) -> Self {
        Self {
            owners,
            disabled: [
                ("workspace_sharing_disabled", workspace_sharing_disabled),
                ("sharing_disabled", None),
            ],
        }
    }

    /// The same with the field of the settings' own endpoint.
    pub(crate) const fn or_disabled(mut self, sharing_disabled: Option<bool>) -> Self {
        let [oldest, _] = self.disabled;
        self.disabled = [oldest, ("sharing_disabled", sharing_disabled)];
        self
    }

    /// The rule; `None` when nothing is said about it.
    ///
    /// # Errors
    /// Words that are none, and fields that contradict each other.
    pub(crate) fn read(&self) -> Result<Option<ShareableOwners>, ApiError> {
        self.checked().map_err(|validations| ApiError::Body {
            message: INVALID,
            validations,
        })
    }

    /// The rule, from a request that is about nothing else.
    ///
    /// # Errors
    /// As [`SharingFields::read`], and when nothing is said.
    pub(crate) fn required(&self) -> Result<ShareableOwners, ApiError> {
        self.read()?.ok_or_else(|| ApiError::Body {
            message: INVALID,
            validations: vec![complaint(OWNERS, "must be given")],
        })
    }

    /// The same for a request that is about more: only what is wrong.
    ///
    /// # Errors
    /// As [`SharingFields::read`].
    pub(crate) fn checked(&self) -> Checked<Option<ShareableOwners>> {
        let owners = match self.owners.filter(|word| !word.is_empty()) {
            None => None,
            Some(word) => Some(word.parse::<ShareableOwners>().map_err(|_unknown| {
                let detail = "must be `everyone`, `service_accounts` or `none`";
                vec![complaint(OWNERS, detail)]
            })?),
        };
        let said = self.disabled.iter();
        let said = said.filter_map(|(field, value)| value.map(|disabled| (*field, disabled)));
        let mut rule = owners;
        let mut contradictions = Vec::new();
        for (field, disabled) in said {
            match rule {
                None if disabled => rule = Some(ShareableOwners::None),
                None => rule = Some(ShareableOwners::Everyone),
                Some(known) if disabled == (known == ShareableOwners::None) => (),
                Some(known) => {
                    let detail = format!("contradicts the other fields, which say `{known}`");
                    contradictions.push(complaint(field, &detail));
                }
            }
        }
        if contradictions.is_empty() {
            Ok(rule)
        } else {
            Err(contradictions)
        }
    }
}

fn complaint(field: &str, detail: &str) -> ValidationError {
    ValidationError {
        field: field.to_owned(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ShareableOwners::{Everyone, None as Nobody, ServiceAccounts};

    #[test]
    fn the_rule_is_read_from_any_of_its_fields() {
        let check = |owners: Option<&str>,
                     oldest: Option<bool>,
                     older: Option<bool>,
                     expected: Result<Option<ShareableOwners>, &[&str]>| {
            let fields = SharingFields::new(owners, oldest).or_disabled(older);
            let read = match fields.read() {
                Ok(rule) => Ok(rule),
                Err(ApiError::Body {
                    message,
                    validations,
                }) => {
                    assert_eq!(message, INVALID);
                    Err(validations.into_iter().map(|one| one.field).collect())
                }
                Err(other) => panic!("{other:?}"),
            };
            let expected: Result<_, Vec<String>> =
                expected.map_err(|fields| fields.iter().map(ToString::to_string).collect());
            assert_eq!(read, expected, "{fields:?}");
        };
        check(None, None, None, Ok(None));
        check(Some(""), None, None, Ok(None));
        check(Some("everyone"), None, None, Ok(Some(Everyone)));
        check(
            Some("service_accounts"),
            None,
            None,
            Ok(Some(ServiceAccounts)),
        );
        check(Some("none"), None, None, Ok(Some(Nobody)));
        check(None, Some(true), None, Ok(Some(Nobody)));
        check(None, None, Some(true), Ok(Some(Nobody)));
        check(None, Some(false), None, Ok(Some(Everyone)));
        check(None, None, Some(false), Ok(Some(Everyone)));
        check(
            Some("service_accounts"),
            Some(false),
            Some(false),
            Ok(Some(ServiceAccounts)),
        );
        check(Some("none"), Some(true), Some(true), Ok(Some(Nobody)));
        check(Some("None"), None, None, Err(&[OWNERS]));
        check(Some("nobody"), Some(true), None, Err(&[OWNERS]));
        check(Some("none"), None, Some(false), Err(&["sharing_disabled"]));
        check(
            Some("everyone"),
            Some(true),
            None,
            Err(&["workspace_sharing_disabled"]),
        );
        check(None, Some(true), Some(false), Err(&["sharing_disabled"]));
    }

    #[test]
    fn a_request_about_nothing_else_must_say_it() {
        assert!(SharingFields::default().required().is_err());
        let given = SharingFields::new(Some("none"), None).required();
        assert_eq!(given.ok(), Some(Nobody));
    }

    #[test]
    fn words_are_the_same_on_both_sides() {
        for rule in ShareableOwners::ALL {
            let wire = serde_json::to_value(super::super::wire::shareable(*rule)).unwrap();
            assert_eq!(wire, rule.as_str());
        }
    }
}
