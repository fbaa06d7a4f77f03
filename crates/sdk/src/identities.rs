//! Accounts at an identity provider, and sign-ins under way there.
